package sparkvision.image.preprocess

import sparkvision.image.resample.{ResampleFilter, ResizeBackend}
import sparkvision.image.{PixelSize, ProcessorException}

/** Settings that replace those of a `preprocessor_config.json`; None keeps the setting of the file.
  *
  * @param size
  *   pixels of both sides, or of the shortest edge if the processor resizes by that; not together with `height` or `width`
  * @param height
  *   pixels; images are resized to exactly `height` x `width`, and the aspect ratio may change
  * @param width
  *   pixels
  * @param resample
  *   the number of a filter in Pillow, 0 to 5
  * @param imageMean
  *   red, green, blue
  * @param imageStd
  *   red, green, blue
  * @param cropSize
  *   pixels of both sides of the centre crop
  * @param resizeBackend
  *   the name of a `ResizeBackend`
  */
final case class ProcessorOverrides(
    size: Option[Int] = None,
    height: Option[Int] = None,
    width: Option[Int] = None,
    doResize: Option[Boolean] = None,
    resample: Option[Int] = None,
    doRescale: Option[Boolean] = None,
    rescaleFactor: Option[Double] = None,
    doNormalize: Option[Boolean] = None,
    imageMean: Option[Seq[Double]] = None,
    imageStd: Option[Seq[Double]] = None,
    cropSize: Option[Int] = None,
    doCenterCrop: Option[Boolean] = None,
    resizeBackend: Option[String] = None
) {

  /** The settings of a file, replaced by the overrides that are set.
    *
    * @throws ProcessorException
    *   when an override contradicts another one or the file
    */
  private[sparkvision] def appliedTo(file: ProcessorConfig): ProcessorConfig = file.copy(
    doResize = doResize.getOrElse(file.doResize),
    resize = resizeRule(file),
    resample = resample.map(ResampleFilter.byId).getOrElse(file.resample),
    doCenterCrop = crops(file),
    cropSize = cropSize.map(side => PixelSize(side, side)).orElse(file.cropSize),
    doRescale = doRescale.getOrElse(file.doRescale),
    rescaleFactor = rescaleFactor.getOrElse(file.rescaleFactor),
    doNormalize = doNormalize.getOrElse(file.doNormalize),
    imageMean = imageMean.getOrElse(file.imageMean),
    imageStd = imageStd.getOrElse(file.imageStd),
    resizeBackend = resizeBackend.map(ResizeBackend.parse).getOrElse(file.resizeBackend)
  )

  private def resizeRule(file: ProcessorConfig): ResizeRule = {
    val sides = (height ++ width).mkString(" x ")
    if (size.isDefined && sides.nonEmpty)
      throw new ProcessorException(
        s"size is ${size.mkString} and height or width is $sides: set size or height and width, not both"
      )
    (height, width, file.resize) match {
      case (None, None, rule) => size.map(rule.withSize).getOrElse(rule)
      case (Some(height), Some(width), _) => ResizeRule.Exact(height, width)
      case (_, _, ResizeRule.Exact(fileHeight, fileWidth)) =>
        ResizeRule.Exact(height.getOrElse(fileHeight), width.getOrElse(fileWidth))
      case _ =>
        throw new ProcessorException(
          s"only one of height and width is set, to $sides, and the file sets neither: set both"
        )
    }
  }

  private def crops(file: ProcessorConfig): Boolean = {
    val crops = doCenterCrop.getOrElse(file.doCenterCrop)
    if (!crops)
      cropSize.foreach(pixels =>
        throw new ProcessorException(
          s"cropSize is $pixels, but images are not cropped: set doCenterCrop to true as well, or clear cropSize"
        )
      )
    crops
  }
}
