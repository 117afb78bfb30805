package sparkvision.image.codec.format

import java.io.ByteArrayOutputStream
import java.util.zip.{DataFormatException, Inflater}

/** The metadata of one PNG as it is read, held to Pillow's limits (`PngImagePlugin`): a small file can hold tens of
  * thousands of chunks, and each can inflate a thousandfold.
  */
final private[sparkvision] class PngMetadata(reader: ByteReader) {
  import PngMetadata._

  private val piece = new Array[Byte](8192)
  private var total = 0L

  /** The inflated bytes; None when the stream is broken, which Pillow forgives; a refusal when there are too many. */
  def inflate(chunkName: String, offset: Int, length: Int): Option[Array[Byte]] = {
    val inflated = new ByteArrayOutputStream
    val inflater = new Inflater
    val whole =
      try {
        inflater.setInput(reader.bytes, offset, length)
        var count = inflater.inflate(piece)
        while (count > 0) {
          inflated.write(piece, 0, count)
          if (inflated.size > MaxChunk)
            reader.corrupt(s"its chunk $chunkName inflates to more than $MaxChunk bytes (a decompression bomb)")
          count = inflater.inflate(piece)
        }
        true
      } catch { case _: DataFormatException => false }
      finally inflater.end()
    // What came of a broken stream, or of a colour profile, cost as much as text, so it counts too; in Pillow it does not.
    add(inflated.size)
    Option.when(whole)(inflated.toByteArray)
  }

  /** Counts metadata that is stored as it is. */
  def add(bytes: Int): Unit = {
    total += bytes
    if (total > MaxTotal)
      reader.corrupt(s"its metadata takes more than $MaxTotal bytes once inflated (a decompression bomb)")
  }
}

private object PngMetadata {

  /** Pillow's `MAX_TEXT_CHUNK`: a compressed metadata chunk may not inflate to more. */
  val MaxChunk: Int = 1024 * 1024

  /** Pillow's `MAX_TEXT_MEMORY`: all of an image's text may not take more. */
  val MaxTotal: Long = 64L * MaxChunk
}
