package sparkvision.image.codec

import sparkvision.image.{NamedValue, NamedValues}

/** How much of an image's detail the decoder computes. */
sealed abstract class DecodeMode(val name: String) extends NamedValue

object DecodeMode extends NamedValues[DecodeMode]("decodeMode") {

  /** All of it: the pixels that Pillow decodes, to the last bit. */
  case object Exact extends DecodeMode("exact")

  /** Of a JPEG that is at least twice as large as the model's input only as much as the resize needs: see [[JpegDraft]].
    * Other formats as `Exact`.
    */
  case object Fast extends DecodeMode("fast")

  override val all: Seq[DecodeMode] = Seq(Exact, Fast)
}
