package sparkvision.image.codec

import org.bytedeco.javacpp.BytePointer

/** Native memory for one decoded image, kept by each thread from image to image.
  *
  * The operating system hands out blocks of this size anew each time, and clearing their pages takes as long as decoding a
  * photograph into them.
  */
private[sparkvision] object DecodeBuffer {

  /** 22 megapixels: what is larger is rare, and a thread does not keep so much. */
  private val MostBytes = 64L << 20

  private val kept = new ThreadLocal[BytePointer]

  /** Memory for `bytes` bytes, of unspecified content, valid until this thread asks again; None for more than a thread keeps.
    * Not to be called within a `PointerScope`, which would free it.
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
