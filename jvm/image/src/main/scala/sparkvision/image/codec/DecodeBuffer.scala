package sparkvision.image.codec

import java.nio.ByteBuffer

import org.bytedeco.javacpp.BytePointer

import sparkvision.image.{PixelRows, Pixels}

/** Native memory for one decoded image, which each thread keeps for its next image.
  *
  * The operating system would clear the pages of a new block of this size, which takes as long as decoding a photograph.
  */
private[codec] object DecodeBuffer {

  /** Enough for 22 megapixels. Larger images are rare, and a thread does not keep more memory. */
  private val MostBytes = 64L << 20

  private val kept = new ThreadLocal[BytePointer]

  /** Memory of at least `bytes` bytes with unspecified content, valid until the next call of this thread; None when a thread
    * does not keep so much. Must not be called within a `PointerScope`, which would free the memory.
    */
  def of(bytes: Long): Option[BytePointer] = Option.when(bytes <= MostBytes) {
    Option(kept.get).filter(_.capacity >= bytes).getOrElse(grown(bytes))
  }

  private def grown(bytes: Long): BytePointer = {
    Option(kept.get).foreach(_.close())
    kept.remove()
    val memory = new BytePointer(bytes)
    kept.set(memory)
    memory
  }
}

/** A decoded image in native memory.
  *
  * @param bytes
  *   the decoder's memory, valid until this thread decodes the next image
  */
final private[sparkvision] class NativeRows(val width: Int, val height: Int, val bytes: ByteBuffer) extends PixelRows {

  override def toPixels: Pixels = {
    val rgb = new Array[Byte](height * width * 3)
    bytes.get(0, rgb)
    new Pixels(width, height, rgb)
  }
}
