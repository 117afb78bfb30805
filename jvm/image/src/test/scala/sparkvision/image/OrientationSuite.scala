package sparkvision.image

import org.scalatest.funsuite.AnyFunSuite

class OrientationSuite extends AnyFunSuite {

  /** Three columns and two rows: a b c above d e f. */
  private val stored = image("abc", "def")

  private def image(rows: String*): Pixels =
    new Pixels(
      rows.head.length,
      rows.length,
      rows.mkString.flatMap(letter => s"$letter$letter$letter").map(_.toByte).toArray
    )

  private def rows(pixels: Pixels): Seq[String] =
    pixels.rgb.grouped(3).map(_.head.toChar).mkString.grouped(pixels.width).toSeq

  private val upright = Map(
    1 -> Seq("abc", "def"),
    2 -> Seq("cba", "fed"),
    3 -> Seq("fed", "cba"),
    4 -> Seq("def", "abc"),
    5 -> Seq("ad", "be", "cf"),
    6 -> Seq("da", "eb", "fc"),
    7 -> Seq("fc", "eb", "da"),
    8 -> Seq("cf", "be", "ad")
  )

  upright.toSeq.sortBy(_._1).foreach { case (orientation, expected) =>
    test(s"orientation $orientation is turned upright") {
      assert(rows(Orientation.upright(stored, orientation).toPixels) == expected)
    }
  }
}
