package sparkvision.image.codec

import sparkvision.image.PixelSize
import sparkvision.image.codec.format.ImageHeader

/** JPEGs decoded at a half, a quarter or an eighth of their size, which libjpeg does by computing fewer samples of each
  * block: the pixels of Pillow's `Image.draft("RGB", (width, height))`.
  */
private[sparkvision] object JpegDraft {

  /** The denominators that libjpeg and Pillow have in common, the largest first. */
  private val Reductions = Seq(8, 4, 2)

  /** By how much a JPEG may be reduced so that neither side becomes smaller than `target`'s: 8, 4, 2 or 1.
    *
    * Pillow takes the target as the file's own width and height go, before any EXIF turn. Ours stands upright like the
    * image that the resize is given, so for an image that lies on its side the two trade places.
    */
  def reduction(header: ImageHeader, target: PixelSize): Int = {
    val fits = math.min(header.uprightWidth / target.width, header.uprightHeight / target.height)
    Reductions.find(_ <= fits).getOrElse(1)
  }

  /** What the reduced image's header would say: sides are rounded up. */
  def reduced(header: ImageHeader, reduction: Int): ImageHeader = header.copy(
    width = (header.width + reduction - 1) / reduction,
    height = (header.height + reduction - 1) / reduction
  )
}
