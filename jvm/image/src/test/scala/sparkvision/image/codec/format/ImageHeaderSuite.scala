package sparkvision.image.codec.format

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.Fixtures

class ImageHeaderSuite extends AnyFunSuite {

  private def header(name: String): ImageHeader = ImageHeader.read(Fixtures.bytes(name))

  test("the size of each supported format is read without decoding") {
    val sizes = Seq(
      "photos/rocket_falcon9_launch.jpg" -> ImageHeader(ImageFormat.Jpeg, 640, 427),
      "photos/cat_chelsea.png" -> ImageHeader(ImageFormat.Png, 451, 300),
      "formats/gif_transparent.gif" -> ImageHeader(ImageFormat.Gif, 200, 150),
      "formats/bmp_rgb16-565.bmp" -> ImageHeader(ImageFormat.Bmp, 127, 64),
      "photos/webp_lossy.webp" -> ImageHeader(ImageFormat.WebP, 128, 128),
      "formats/webp_lossless.webp" -> ImageHeader(ImageFormat.WebP, 400, 301),
      "photos/tiff_hopper_lzw.tif" -> ImageHeader(ImageFormat.Tiff, 128, 128)
    )
    sizes.foreach { case (name, expected) => withClue(name)(assert(header(name) == expected)) }
  }

  test("the upright size in the header is that of the decoded image, for every fixture") {
    Fixtures.images.foreach { case (name, expected) =>
      val size = (header(name).uprightWidth, header(name).uprightHeight)
      withClue(name)(assert(size == ((expected.get("width").asInt, expected.get("height").asInt))))
    }
  }

  test("the EXIF orientation is found in JPEG, WebP and TIFF") {
    assert(header("photos/exif_portrait_orientation_8.jpg").orientation == 8)
    assert(header("formats/exif_orientation_6.webp").orientation == 6)
    assert(header("formats/tiff_g4_orientation_6.tif").orientation == 6)
    assert(header("photos/cat_chelsea.png").orientation == 1)
  }

  test("an image with damaged EXIF counts as upright, because its pixels are intact") {
    val photo = Fixtures.bytes("photos/exif_portrait_orientation_8.jpg")
    val exif = new String(photo, "ISO-8859-1").indexOf("Exif\u0000\u0000")
    photo(exif + 6) = 'X'
    photo(exif + 10) = 127
    assert(ImageHeader.read(photo).orientation == 1)
  }

  test("an orientation that only XMP contains is used") {
    val packet = "<x:xmpmeta tiff:Orientation=\"3\"/>"
    assert(ExifOrientation.of(exif = None, xmp = Some(packet.getBytes)) == 3)
  }
}
