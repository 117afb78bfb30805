package sparkvision.image

import org.scalatest.funsuite.AnyFunSuite

class BoxSuite extends AnyFunSuite {
  private val image = PixelSize(height = 60, width = 100)

  private def reason(box: Box): String = intercept[ImageException](box.window(image)).reason

  test("edges are rounded to whole pixels, halves to the even number, as by Pillow") {
    val window = Box(2.5, 3.5, 10.4, 20.6).window(image)
    assert(window == Window(top = 4, left = 2, height = 17, width = 8))
  }

  test("a box that reaches out of the image ends at the edge of the image") {
    assert(Box(-5, -1e30, 1e30, 10).window(image) == Window(top = 0, left = 0, height = 10, width = 100))
  }

  test("the window of a box contains the pixels of the box") {
    val pixels = Fixtures.pixels("photos/" + Fixtures.path("photos").toFile.list.filter(_.endsWith(".jpg")).min)
    val cut = Box(10, 20, 13, 22).window(PixelSize(pixels.height, pixels.width)).of(pixels)
    val rows = Seq(20, 21).flatMap(y => pixels.rgb.slice((y * pixels.width + 10) * 3, (y * pixels.width + 13) * 3))
    assert((cut.width, cut.height, cut.rgb.toSeq) == ((3, 2, rows)))
  }

  test("a box without a pixel of the image is refused, with its edges and the image's size") {
    Seq(Box(7, 5, 7.4, 9), Box(9, 5, 7, 9), Box(100, 0, 200, 60), Box(-9, -9, -1, -1)).foreach { box =>
      assert(reason(box) == s"$box holds no pixel of the image, which is 100 x 60")
    }
    assert(Box(7, 5, 7.4, 9).toString == "the box (7.0, 5.0, 7.4, 9.0)")
  }

  test("a box with an edge that is not a number is refused") {
    Seq(Box(Double.NaN, 0, 9, 9), Box(0, 0, Double.PositiveInfinity, 9)).foreach { box =>
      assert(reason(box).endsWith("has an edge that is not a number"))
    }
  }
}
