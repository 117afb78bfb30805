package sparkvision.image.resample

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{Fixtures, ParameterException}

class ThumbnailSuite extends AnyFunSuite {
  private val cat = ImageDecoder.decode(Fixtures.bytes("photos/cat_chelsea.png"))

  test("a thumbnail is a JPEG of the whole image with the requested longer side") {
    val small = ImageDecoder.decode(Thumbnail.jpeg(cat, 120))
    assert((cat.width, cat.height) == ((451, 300)) && (small.width, small.height) == ((120, 80)))
    val expected = Resample.resize(cat, 120, 80, ResampleFilter.Box)
    val difference = small.rgb.indices.map(i => math.abs((small.rgb(i) & 0xff) - (expected.rgb(i) & 0xff))).sum
    assert(difference.toDouble / small.rgb.length < 5, "levels of 255, on average, are what JPEG may change")
  }

  test("a small image is not enlarged") {
    val small = ImageDecoder.decode(Thumbnail.jpeg(Resample.resize(cat, 20, 9, ResampleFilter.Box), 120))
    assert((small.width, small.height) == ((20, 9)))
  }

  test("a side that is not positive is refused") {
    assert(intercept[ParameterException](Thumbnail.jpeg(cat, 0)).getMessage.contains("side is 0"))
  }
}
