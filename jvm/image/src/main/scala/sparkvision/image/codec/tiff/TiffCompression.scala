package sparkvision.image.codec.tiff

import java.util.zip.{DataFormatException, Inflater}

/** The lossless compressions of TIFF. */
private[sparkvision] object TiffCompression {
  val None = 1
  val Lzw = 5
  private val AdobeDeflate = 8
  private val Deflate = 32946
  private val PackBits = 32773

  val handled: Set[Int] = Set(None, Lzw, AdobeDeflate, Deflate, PackBits)

  def predicts(compression: Int): Boolean = compression != None && compression != PackBits

  /** Decompresses into `target` and returns the number of bytes written, which is smaller when the data are incomplete. */
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

  /** PackBits (section 9): a byte states how many literal bytes follow, or how often the next byte is repeated. */
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

/** TIFF's LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, highest bit first, widened one code early. */
private[sparkvision] object TiffLzw {
  private val Clear = 256
  private val EndOfInformation = 257
  private val FirstFree = 258
  private val MaxBits = 12
  private val TableSize = 1 << MaxBits

  /** Decodes into `target` and returns the number of bytes written; 0 when the data are not LZW. */
  def decode(source: Array[Byte], offset: Int, count: Int, target: Array[Byte]): Int =
    new Decoder(source, offset, offset + count, target).decode()

  private final class Decoder(source: Array[Byte], start: Int, end: Int, target: Array[Byte]) {
    // The string of a code is the string of its prefix and one more byte.
    private val prefix = new Array[Int](TableSize)
    private val last = Array.tabulate(TableSize)(_.toByte)
    private val first = Array.tabulate(TableSize)(_.toByte)
    private val length = Array.fill(TableSize)(1)

    private var at = start
    private var bits = 0
    private var bitCount = 0
    private var width = 9
    private var free = FirstFree
    private var previous = -1
    private var filled = 0

    def decode(): Int = {
      var code = next()
      while (code != EndOfInformation && filled < target.length && accept(code)) code = next()
      filled
    }

    /** Returns false when the code is not valid at this point. */
    private def accept(code: Int): Boolean =
      if (code == Clear) {
        width = 9
        free = FirstFree
        previous = -1
        true
      } else if (previous < 0) {
        val literal = code < Clear
        if (literal) { emit(code); previous = code }
        literal
      } else if (code > free || free >= TableSize) false
      else {
        prefix(free) = previous
        length(free) = length(previous) + 1
        first(free) = first(previous)
        // A code may be that of the string that is being added; this string ends with its own first byte.
        last(free) = if (code == free) first(previous) else first(code)
        free += 1
        if (free == (1 << width) - 1 && width < MaxBits) width += 1
        emit(code)
        previous = code
        true
      }

    private def emit(code: Int): Unit = {
      val until = filled + length(code)
      var string = code
      var position = until - 1
      while (position >= filled) {
        if (position < target.length) target(position) = last(string)
        string = prefix(string)
        position -= 1
      }
      filled = math.min(until, target.length)
    }

    private def next(): Int = {
      while (bitCount < width && at < end) {
        bits = (bits << 8) | (source(at) & 0xff)
        at += 1
        bitCount += 8
      }
      if (bitCount < width) EndOfInformation
      else {
        bitCount -= width
        (bits >>> bitCount) & ((1 << width) - 1)
      }
    }
  }
}
