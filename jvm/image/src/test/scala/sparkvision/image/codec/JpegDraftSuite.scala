package sparkvision.image.codec

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.JsonNode
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.format.{ImageFormat, ImageHeader, JpegStructure}
import sparkvision.image.{Fixtures, ImageException, PixelSize, Pixels}

/** [[ImageDecoder.draft]], compared with Pillow's draft mode. */
class JpegDraftSuite extends AnyFunSuite {
  private val drafts = Fixtures.references.get("drafts").elements.asScala.toSeq
  private val photo = "photos/exif_portrait_orientation_6.jpg"

  private def target(draft: JsonNode) = PixelSize(draft.get("target").get(0).asInt, draft.get("target").get(1).asInt)

  private def drafted(name: String, target: PixelSize): Pixels = ImageDecoder.draft(Fixtures.bytes(name))(_ => target)

  test("every JPEG is reduced to exactly the pixels of Pillow's draft mode, and is turned upright by EXIF") {
    val different = drafts.filter { expected =>
      val pixels = drafted(expected.get("picture").asText, target(expected))
      (pixels.width, pixels.height, Fixtures.sha256(pixels.rgb)) !=
        ((expected.get("width").asInt, expected.get("height").asInt, expected.get("rgb").asText))
    }
    assert(different.isEmpty)
    info(s"${drafts.size} drafts, largest difference 0")
  }

  test("the references contain drafts at a half, a quarter and an eighth of the size, and whole images") {
    val reductions = drafts.map { draft =>
      val whole = ImageHeader.read(Fixtures.bytes(draft.get("picture").asText))
      math.round(whole.uprightWidth.toDouble / draft.get("width").asInt)
    }
    assert(reductions.toSet == Set(1L, 2L, 4L, 8L))
  }

  test("no side becomes smaller than that of the target") {
    val header = ImageHeader(ImageFormat.Jpeg, width = 800, height = 600)
    val targets = Seq(300 -> 2, 301 -> 1, 150 -> 4, 151 -> 2, 75 -> 8, 76 -> 4, 1 -> 8)
    targets.foreach { case (side, reduction) =>
      assert(JpegStructure.reduction(header, PixelSize(side, side)) == reduction)
    }
  }

  test("an image that is stored on its side is reduced for its upright size") {
    val lying = ImageHeader(ImageFormat.Jpeg, width = 800, height = 100, orientation = 6)
    assert(JpegStructure.reduction(lying, PixelSize(400, 50)) == 2)
    assert(JpegStructure.reduction(lying, PixelSize(50, 400)) == 1)
  }

  test("other formats and JPEGs with four inks are not reduced") {
    Seq("photos/cat_chelsea.png", "formats/jpeg_cmyk_go.jpg", "photos/webp_lossy.webp").foreach { name =>
      assert(drafted(name, PixelSize(8, 8)).rgb.sameElements(Fixtures.pixels(name).rgb))
    }
  }

  test("the limit of pixels applies to the image before it is reduced") {
    val refusal = intercept[ImageException](ImageDecoder.draft(Fixtures.bytes(photo), 1000000)(_ => PixelSize(8, 8)))
    assert(refusal.reason.startsWith("too large"))
  }

  test("a JPEG that is cut off is refused with and without a reduction") {
    val cut = Fixtures.bytes(photo).dropRight(1000)
    val reasons = Seq(PixelSize(8, 8), PixelSize(5000, 5000)).map { size =>
      intercept[ImageException](ImageDecoder.draft(cut)(_ => size)).reason
    }
    assert(reasons.distinct.size == 1)
  }
}
