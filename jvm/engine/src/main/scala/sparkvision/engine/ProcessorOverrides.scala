package sparkvision.engine

/** What a stage's Params say over `preprocessor_config.json`; None leaves the bundle's setting as it is.
  *
  * @param size
  *   pixels; both sides, and so not together with `height` or `width`
  * @param height
  *   pixels
  * @param width
  *   pixels
  * @param resample
  *   Pillow's number of a filter, 0 to 5
  * @param imageMean
  *   red, green, blue
  * @param imageStd
  *   red, green, blue
  * @param cropSize
  *   not supported yet
  * @param doCenterCrop
  *   only `false` is supported yet
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
    doCenterCrop: Option[Boolean] = None
) {
  private[engine] def requireSupported(): Unit = {
    if (size.isDefined && (height.isDefined || width.isDefined))
      throw new ProcessorException(
        s"size is ${size.mkString} and height or width is ${(height ++ width).mkString(" x ")}: set size (a square) or " +
          "height and width, not both"
      )
    cropSize.foreach(value => throw new ProcessorException(s"cropSize is $value: cropping is not supported; clear it"))
    if (doCenterCrop.contains(true))
      throw new ProcessorException("doCenterCrop is true: cropping is not supported; clear it or set it to false")
  }
}
