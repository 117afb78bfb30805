package sparkvision.image

/** Height and width in pixels, in the order in which transformers names them. */
final case class PixelSize(height: Int, width: Int) {
  override def toString: String = s"$height x $width"
}
