package sparkvision.image

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder}

/** Any number of encoded images in one byte array, as another process sends them.
  *
  * The array contains for each image the length (int32, little-endian) and the bytes. Alternatively it contains -n (int32)
  * and n bytes with the name in UTF-8 of a file with this content, because py4j transfers bytes slowly, encoded as text.
  */
object PackedImages {

  /** Returns the images, lazily and in order. */
  def unpack(packed: Array[Byte]): Iterator[Array[Byte]] = {
    val in = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN)
    if (in.hasRemaining && in.getInt(0) < 0)
      unpack(Files.readAllBytes(Path.of(new String(packed, 4, -in.getInt(), UTF_8))))
    else
      Iterator.continually(in).takeWhile(_.hasRemaining).map { buffer =>
        val bytes = new Array[Byte](buffer.getInt())
        buffer.get(bytes)
        bytes
      }
  }
}
