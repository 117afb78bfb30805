package sparkvision.image.resample

import java.nio.ByteBuffer

import scala.jdk.CollectionConverters._

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.NativeRows
import sparkvision.image.{Fixtures, ParameterException, PixelSize, Pixels, ProcessorException, Window}

class ResampleSuite extends AnyFunSuite {

  ResampleFilter.all.foreach { filter =>
    test(s"$filter equals Pillow bit for bit on every fixture at 224 x 224") {
      val different = Fixtures.images.filter { case (name, expected) =>
        val resized = Resample.resize(Fixtures.pixels(name), 224, 224, filter)
        Fixtures.sha256(resized.rgb) != expected.get("resized").get(filter.name).asText
      }
      assert(different.map(_._1).isEmpty)
      info(s"${Fixtures.images.size} images, largest difference 0")
    }

    test(s"$filter equals Pillow bit for bit between random sizes") {
      val cases = Fixtures.references.get("resizes").elements.asScala.toSeq
      val different = cases.filter { reference =>
        val (from, to) = (reference.get("from"), reference.get("to"))
        val image = noise(reference.get("seed").asInt, from.get(0).asInt, from.get(1).asInt)
        val resized = Resample.resize(image, to.get(0).asInt, to.get(1).asInt, filter)
        Fixtures.sha256(resized.rgb) != reference.get(filter.name).asText
      }
      assert(different.isEmpty)
      info(s"${cases.size} resizes, largest difference 0")
    }
  }

  /** Sizes before and after: a pixel, flat, tall, more rows than a block, and both orders of the passes. */
  private val sizes = for {
    (width, height) <- Seq((1, 1), (1, 300), (300, 1), (5, 4), (97, 260), (130, 33))
    (toWidth, toHeight) <- Seq((1, 1), (2, 70), (64, 3), (97, 100), (150, 140))
  } yield (noise(width * 1000 + height, width, height), PixelSize(toHeight, toWidth))

  ResampleFilter.all.foreach { filter =>
    test(s"$filter computes a window with the same pixels as in the whole scaled image") {
      sizes.foreach { case (image, size) =>
        val whole = Resample.resize(image, size.width, size.height, filter)
        val window = Window(size.height / 3, size.width / 4, (size.height + 1) / 2, (size.width + 1) / 2)
        val part = Resample.resize(image, size, filter, window)
        val expected = (0 until window.height).flatMap { row =>
          val start = ((window.top + row) * size.width + window.left) * 3
          whole.rgb.slice(start, start + window.width * 3)
        }
        assert(part.rgb.sameElements(expected), s"${image.height} x ${image.width} to $size")
      }
    }

    test(s"$filter does not change an image of one colour") {
      sizes.foreach { case (image, size) =>
        val colour = Array[Byte](0, -1, 100)
        val plain = new Pixels(image.width, image.height, Array.tabulate(image.rgb.length)(i => colour(i % 3)))
        val scaled = Resample.resize(plain, size.width, size.height, filter)
        assert(scaled.rgb.indices.forall(i => scaled.rgb(i) == colour(i % 3)))
      }
    }

    test(s"$filter scales each channel independently") {
      sizes.foreach { case (image, size) =>
        val flipped = new Pixels(
          image.width,
          image.height,
          Array.tabulate(image.rgb.length)(i => image.rgb(i - i % 3 + 2 - i % 3))
        )
        val scaled = Resample.resize(image, size.width, size.height, filter)
        val other = Resample.resize(flipped, size.width, size.height, filter)
        assert(scaled.rgb.indices.forall(i => scaled.rgb(i) == other.rgb(i - i % 3 + 2 - i % 3)))
      }
    }
  }

  ResampleFilter.all.foreach { filter =>
    test(s"$filter scales an image in native memory to the same pixels as in an array") {
      (sizes :+ (noise(7, 1301, 30), PixelSize(20, 70))).foreach { case (image, size) =>
        val memory = ByteBuffer.allocateDirect(image.rgb.length).put(0, image.rgb)
        val outside = new NativeRows(image.width, image.height, memory)
        val expected = Resample.resize(image, size.width, size.height, filter)
        assert(Resample.resize(outside, size.width, size.height, filter).rgb.sameElements(expected.rgb))
      }
    }
  }

  test("strips contain every output once and in order, and no more inputs than allowed unless one output needs more") {
    val columns = Coefficients(4000, 224, 0, 224, ResampleFilter.Bicubic, ResizeBackend.Pillow)
    assert(columns.taps > 60)
    Seq(50, 512, 5000).foreach { most =>
      val strips = columns.strips(most)
      assert(strips.flatten == (0 until 224))
      assert(strips.forall(strip => strip.size == 1 || columns.inputs(strip).size <= most))
    }
    assert(columns.strips(50).size == 224 && columns.strips(5000).size == 1)
  }

  test("an image that has the requested size is returned as it is") {
    val image = noise(3, 40, 30)
    assert(Resample.resize(image, 40, 30, ResampleFilter.Bicubic) eq image)
  }

  test("a window outside of the scaled image is refused") {
    val refusal = intercept[ParameterException](
      Resample.resize(noise(1, 4, 4), PixelSize(8, 8), ResampleFilter.Box, Window(4, 0, 5, 8))
    )
    assert(refusal.getMessage.contains("8 x 8") && refusal.getMessage.contains("Window(4,0,5,8)"))
  }

  test("a filter has Pillow's number and name") {
    val names = Seq("NEAREST", "LANCZOS", "BILINEAR", "BICUBIC", "BOX", "HAMMING")
    assert(names.indices.map(ResampleFilter.byId(_).name) == names)
  }

  test("an unknown number of a filter is refused with the known numbers") {
    val refusal = intercept[ProcessorException](ResampleFilter.byId(6))
    assert(refusal.getMessage.contains("resample is 6") && refusal.getMessage.contains("2 (BILINEAR)"))
  }

  test("a side that is not positive is refused") {
    val refusal = intercept[ParameterException](Resample.resize(noise(1, 4, 4), 0, 5, ResampleFilter.Box))
    assert(refusal.getMessage.contains("5 x 0"))
  }

  /** The generator of make_references.py. */
  private def noise(seed: Int, width: Int, height: Int): Pixels = {
    val states = Iterator.iterate(seed)(_ * 1664525 + 1013904223).drop(1)
    new Pixels(width, height, Array.fill(width * height * 3)((states.next() >>> 24).toByte))
  }
}
