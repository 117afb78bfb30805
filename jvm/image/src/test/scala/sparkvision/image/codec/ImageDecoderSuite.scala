package sparkvision.image.codec

import java.util.concurrent.{Callable, Executors}

import scala.jdk.CollectionConverters._
import scala.util.Random

import org.bytedeco.javacpp.Pointer
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.{Fixtures, ImageException}

class ImageDecoderSuite extends AnyFunSuite {

  test("every fixture is decoded to exactly the pixels of Pillow, and is turned upright by EXIF") {
    val different = Fixtures.images.filter { case (name, expected) =>
      val pixels = Fixtures.pixels(name)
      (pixels.width, pixels.height, Fixtures.sha256(pixels.rgb)) !=
        ((expected.get("width").asInt, expected.get("height").asInt, expected.get("rgb").asText))
    }
    assert(different.map(_._1).isEmpty)
    info(s"${Fixtures.images.size} images, largest difference 0")
  }

  test("every image that Pillow refuses is refused with a reason") {
    Fixtures.refused.foreach { name =>
      val refusal = withClue(name)(intercept[ImageException](Fixtures.pixels(name)))
      info(s"$name: ${refusal.reason}")
      assert(refusal.reason.nonEmpty && !refusal.reason.contains("OpenCV("))
    }
  }

  test("a missing image is refused") {
    assert(intercept[ImageException](ImageDecoder.decode(null)).reason.contains("null"))
    assert(intercept[ImageException](ImageDecoder.decode(Array.emptyByteArray)).reason.contains("0 bytes"))
  }

  test("a format that is not supported is refused by its name") {
    val refusal = intercept[ImageException](Fixtures.pixels("formats/avif_hopper.avif"))
    assert(refusal.reason.startsWith("unsupported format AVIF"))
  }

  test("bytes that are not an image are refused with the first bytes") {
    val refusal = intercept[ImageException](ImageDecoder.decode("hello, world".getBytes))
    assert(refusal.reason.startsWith("not an image: it begins with the bytes 68 65 6c 6c 6f"))
  }

  test("an image with more pixels than allowed is refused with its size and the limit") {
    val photo = Fixtures.bytes("photos/cat_chelsea.png")
    val refusal = intercept[ImageException](ImageDecoder.decode(photo, maxPixels = 451 * 300 - 1))
    assert(refusal.reason.contains("451 x 300") && refusal.reason.contains("135299"))
    assert(ImageDecoder.decode(photo, maxPixels = 451 * 300).width == 451)
  }

  test("a photo that is cut off at any point is refused") {
    Seq("photos/jpeg_hopper_rgb.jpg", "photos/jpeg_progressive_420.jpg", "photos/webp_lossy.webp").foreach { name =>
      val photo = Fixtures.bytes(name)
      (0 until photo.length - 2 by 61).foreach { length =>
        withClue(s"$name cut to $length bytes: ")(intercept[ImageException](ImageDecoder.decode(photo.take(length))))
      }
    }
  }

  test("a damaged image is either decoded or refused") {
    val random = new Random(5)
    val names = Fixtures.images.map(_._1).filter(name => Fixtures.bytes(name).length < 20000)
    val outcomes = Seq.fill(10)(names).flatten.map { name =>
      val damaged = Fixtures.bytes(name)
      (0 to random.nextInt(4)).foreach(_ => damaged(random.nextInt(damaged.length)) = random.nextInt(256).toByte)
      try ImageDecoder.decode(damaged).rgb.length > 0
      catch { case refusal: ImageException => refusal.reason.isEmpty }
    }
    info(s"${outcomes.size} damaged images, ${outcomes.count(identity)} decoded, the others refused")
    assert(outcomes.contains(true) && outcomes.contains(false))
  }

  test("the rows of a JPEG are read from the decoder's memory until the next image is decoded") {
    val photo = Fixtures.bytes("photos/jpeg_hopper_rgb.jpg")
    val rows = ImageDecoder.rows(photo, ImageDecoder.DefaultMaxPixels)
    assert(rows.bytes.isDirect)
    assert(rows.toPixels.rgb.sameElements(ImageDecoder.decode(photo).rgb))
  }

  test("many threads decode at once and get the same pixels") {
    val photo = Fixtures.bytes("photos/rocket_falcon9_launch.jpg")
    val expected = Fixtures.sha256(ImageDecoder.decode(photo).rgb)
    val threads = Executors.newFixedThreadPool(4)
    try {
      val decode: Callable[String] = () => Fixtures.sha256(ImageDecoder.decode(photo).rgb)
      val hashes = threads.invokeAll(Seq.fill(32)(decode).asJava).asScala.map(_.get)
      assert(hashes.toSet == Set(expected))
    } finally threads.shutdown()
  }

  test("neither a decoded nor a refused image leaves native memory allocated") {
    val good = Fixtures.bytes("photos/jpeg_hopper_rgb.jpg")
    val bad = Fixtures.bytes("corrupt/bmp_shortfile.bmp")
    def decodeBoth(): Unit = {
      assert(ImageDecoder.decode(good).width == 128)
      val _ = intercept[ImageException](ImageDecoder.decode(bad))
    }
    decodeBoth()
    val before = Pointer.totalBytes
    (1 to 50).foreach(_ => decodeBoth())
    assert(Pointer.totalBytes <= before)
  }
}
