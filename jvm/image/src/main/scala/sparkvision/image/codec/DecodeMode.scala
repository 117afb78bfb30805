package sparkvision.image.codec

import sparkvision.image.NamedValues

/** How much of an image's detail the decoder computes. */
sealed abstract class DecodeMode(val name: String) {
  override def toString: String = name
}

object DecodeMode {

  /** All of it: the pixels that Pillow decodes, to the last bit. */
  case object Exact extends DecodeMode("exact")

  /** Of a JPEG that is at least twice as large as the model's input only as much as the resize needs: see [[JpegDraft]].
    * Other formats as `Exact`.
    */
  case object Fast extends DecodeMode("fast")

  val all: Seq[DecodeMode] = Seq(Exact, Fast)

  /** @throws ParameterException
    *   when there is no such mode
    */
  def parse(name: String): DecodeMode = NamedValues.parse("decodeMode", all, name)
}
