package sparkvision.image.codec.tiff

import java.util.zip.{DataFormatException, Inflater}

/** TIFF's lossless byte compressions. */
private[sparkvision] object TiffCompression {
  val None = 1
  val Lzw = 5
  private val AdobeDeflate = 8
  private val Deflate = 32946
  private val PackBits = 32773

  val handled: Set[Int] = Set(None, Lzw, AdobeDeflate, Deflate, PackBits)

  def predicts(compression: Int): Boolean = compression != None && compression != PackBits

  /** Fills `target` as far as the data go, and says how far. */
  def decompress(compression: Int, source: Array[Byte], offset: Int, count: Int, target: Array[Byte]): Int =
    compression match {
      case Lzw => TiffLzw.decode(source, offset, count, target)
      case PackBits => unpackBits(source, offset, count, target)
      case _ => inflate(source, offset, count, target)
    }

  private def inflate(source: Array[Byte], offset: Int, count: Int, target: Array[Byte]): Int = {
    val inflater = new Inflater
    try {
      inflater.setInput(source, offset, count)
      var filled = 0
      var more = 1
      while (more > 0 && filled < target.length) {
        more = inflater.inflate(target, filled, target.length - filled)
        filled += more
      }
      filled
    } catch { case _: DataFormatException => 0 }
    finally inflater.end()
  }

  /** Section 9: a byte says how many follow as they are, or how often the next one is repeated. */
  private def unpackBits(source: Array[Byte], offset: Int, count: Int, target: Array[Byte]): Int = {
    val end = offset + count
    var at = offset
    var filled = 0
    while (at < end && filled < target.length) {
      val length = source(at).toInt
      at += 1
      if (length >= 0) {
        val copied = math.min(math.min(length + 1, target.length - filled), end - at)
        System.arraycopy(source, at, target, filled, copied)
        filled += copied
        at += length + 1
      } else if (length != -128 && at < end) {
        val until = math.min(filled + 1 - length, target.length)
        java.util.Arrays.fill(target, filled, until, source(at))
        filled = until
        at += 1
      }
    }
    filled
  }
}
