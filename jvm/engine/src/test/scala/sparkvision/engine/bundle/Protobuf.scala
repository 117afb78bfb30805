package sparkvision.engine.bundle

import java.io.ByteArrayOutputStream

/** Writes the few bytes of protobuf that tests make ONNX graphs of. */
object Protobuf {

  /** One length-delimited field. */
  def field(number: Int, value: Array[Byte]): Array[Byte] =
    varint(number.toLong << 3 | 2) ++ varint(value.length.toLong) ++ value

  def field(number: Int, text: String): Array[Byte] = field(number, text.getBytes)

  /** One varint field. */
  def field(number: Int, value: Long): Array[Byte] = varint(number.toLong << 3) ++ varint(value)

  def varint(value: Long): Array[Byte] = {
    val out = new ByteArrayOutputStream
    var rest = value
    while (rest > 127) {
      out.write((rest & 0x7f | 0x80).toInt)
      rest >>>= 7
    }
    out.write(rest.toInt)
    out.toByteArray
  }
}
