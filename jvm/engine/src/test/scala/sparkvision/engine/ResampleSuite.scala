package sparkvision.engine

import scala.jdk.CollectionConverters._

import org.scalatest.funsuite.AnyFunSuite

class ResampleSuite extends AnyFunSuite {

  ResampleFilter.all.foreach { filter =>
    test(s"$filter equals Pillow bit for bit on every fixture at 224 x 224") {
      val different = Fixtures.pictures.filter { case (name, expected) =>
        val resized = Resample.resize(Fixtures.pixels(name), 224, 224, filter)
        Fixtures.sha256(resized.rgb) != expected.get("resized").get(filter.name).asText
      }
      assert(different.map(_._1).isEmpty)
      info(s"${Fixtures.pictures.size} pictures, largest difference 0")
    }

    test(s"$filter equals Pillow bit for bit between random sizes") {
      val cases = Fixtures.references.get("resizes").elements.asScala.toSeq
      val different = cases.filter { reference =>
        val (from, to) = (reference.get("from"), reference.get("to"))
        val picture = noise(reference.get("seed").asInt, from.get(0).asInt, from.get(1).asInt)
        val resized = Resample.resize(picture, to.get(0).asInt, to.get(1).asInt, filter)
        Fixtures.sha256(resized.rgb) != reference.get(filter.name).asText
      }
      assert(different.isEmpty)
      info(s"${cases.size} resizes, largest difference 0")
    }
  }

  test("a filter has Pillow's number and name") {
    val names = Seq("NEAREST", "LANCZOS", "BILINEAR", "BICUBIC", "BOX", "HAMMING")
    assert(names.indices.map(ResampleFilter.byId(_).name) == names)
  }

  test("a number that is no filter is refused with the numbers that are") {
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
