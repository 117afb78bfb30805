package sparkvision.image.codec

import sparkvision.image.{NamedValue, NamedValues}

/** How much of an image's detail the decoder computes. */
sealed abstract class DecodeMode(val name: String) extends NamedValue

object DecodeMode extends NamedValues[DecodeMode]("decodeMode") {

  /** All detail: the pixels are those that Pillow decodes, to the last bit. */
  case object Exact extends DecodeMode("exact")

  /** Decodes a JPEG that is at least twice as large as the model's input at a reduced size, see [[ImageDecoder.draft]]. Other
    * formats are decoded as with `Exact`.
    */
  case object Fast extends DecodeMode("fast")

  override val all: Seq[DecodeMode] = Seq(Exact, Fast)
}
