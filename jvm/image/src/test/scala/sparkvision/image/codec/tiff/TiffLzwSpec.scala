package sparkvision.image.codec.tiff

import org.scalatest.funsuite.AnyFunSuite

class TiffLzwSpec extends AnyFunSuite {

  /** Codes of 9 bits, highest bit first. */
  private def packed(codes: Int*): Array[Byte] = {
    val bits = codes.map(code => ("0" * 9 + code.toBinaryString).takeRight(9)).mkString
    bits.grouped(8).map(byte => Integer.parseInt(byte.padTo(8, '0'), 2).toByte).toArray
  }

  private def decoded(length: Int, codes: Int*): (Int, Seq[Byte]) = {
    val target = new Array[Byte](length)
    val source = packed(codes: _*)
    (TiffLzw.decode(source, 0, source.length, target), target.toSeq)
  }

  test("the example of the specification, section 13, is decoded to its bytes") {
    assert(decoded(10, 256, 7, 258, 8, 8, 258, 6, 6, 257) == ((9, Seq[Byte](7, 7, 7, 8, 8, 7, 7, 6, 6, 0))))
  }

  test("incomplete data are decoded as far as possible") {
    assert(decoded(5, 256, 7, 9) == ((2, Seq[Byte](7, 9, 0, 0, 0))))
  }

  test("an unknown code ends the data") {
    assert(decoded(3, 256, 7, 300) == ((1, Seq[Byte](7, 0, 0))))
  }

  test("surplus data are ignored") {
    assert(decoded(2, 256, 7, 258, 8, 257) == ((2, Seq[Byte](7, 7))))
  }
}
