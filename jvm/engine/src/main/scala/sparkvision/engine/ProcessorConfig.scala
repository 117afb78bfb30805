package sparkvision.engine

import com.fasterxml.jackson.databind.JsonNode

/** How a picture becomes the model's input: what `preprocessor_config.json` says, with the defaults that the processor's
  * slow (Pillow) class in transformers 4.57 has. The steps run in this order: resize, rescale, normalise.
  *
  * @param doResize
  *   whether to resize to `height` x `width`; when false only pictures of that size are taken
  * @param height
  *   of the model's input, in pixels; at least 1. A file with `do_resize` false need not know it: then set the model's own
  * @param width
  *   of the model's input, in pixels; at least 1
  * @param resample
  *   the filter of the resize
  * @param doRescale
  *   whether to multiply the samples (0 to 255) by `rescaleFactor`
  * @param rescaleFactor
  *   1/255 brings samples to 0..1
  * @param doNormalize
  *   whether to subtract `imageMean` and divide by `imageStd`
  * @param imageMean
  *   red, green, blue
  * @param imageStd
  *   red, green, blue; none is 0
  */
final case class ProcessorConfig(
    doResize: Boolean = true,
    height: Int = 224,
    width: Int = 224,
    resample: ResampleFilter = ResampleFilter.Bilinear,
    doRescale: Boolean = true,
    rescaleFactor: Double = 1.0 / 255,
    doNormalize: Boolean = true,
    imageMean: Seq[Double] = Seq(0.5, 0.5, 0.5),
    imageStd: Seq[Double] = Seq(0.5, 0.5, 0.5)
) {
  requireSensible()

  /** The same settings with those of a stage's Params that are set.
    *
    * @throws ProcessorException
    *   when an override is not supported or makes no sense
    * @example
    *   {{{config.withOverrides(ProcessorOverrides(size = Some(384)))}}}
    */
  def withOverrides(overrides: ProcessorOverrides): ProcessorConfig = {
    overrides.requireSupported()
    copy(
      doResize = overrides.doResize.getOrElse(doResize),
      height = overrides.height.orElse(overrides.size).getOrElse(height),
      width = overrides.width.orElse(overrides.size).getOrElse(width),
      resample = overrides.resample.map(ResampleFilter.byId).getOrElse(resample),
      doRescale = overrides.doRescale.getOrElse(doRescale),
      rescaleFactor = overrides.rescaleFactor.getOrElse(rescaleFactor),
      doNormalize = overrides.doNormalize.getOrElse(doNormalize),
      imageMean = overrides.imageMean.getOrElse(imageMean),
      imageStd = overrides.imageStd.getOrElse(imageStd)
    )
  }

  private def requireSensible(): Unit = {
    def refuse(what: String): Nothing = throw new ProcessorException(what)
    if (height <= 0 || width <= 0) refuse(s"size is $height x $width (height x width): both must be at least 1")
    if (height.toLong * width * 3 > Int.MaxValue) refuse(s"size is $height x $width (height x width): that is too large")
    if (!rescaleFactor.isFinite) refuse(s"rescale_factor is $rescaleFactor: use a finite number, usually 1/255")
    Seq("image_mean" -> imageMean, "image_std" -> imageStd).foreach { case (name, values) =>
      if (values.length != 3) refuse(s"$name has ${values.length} values $values: give three, for red, green and blue")
      if (!values.forall(_.isFinite)) refuse(s"$name is $values: use finite numbers")
    }
    if (doNormalize && imageStd.exists(_.toFloat == 0f))
      refuse(s"image_std is $imageStd: a value of 0 would divide by zero; set do_normalize to false instead")
  }
}

object ProcessorConfig {

  /** Reads the text of a `preprocessor_config.json`.
    *
    * @throws ProcessorException
    *   when it is no JSON object, or says something that is not supported: key, value and the supported ones are named
    * @example
    *   {{{ProcessorConfig.parse("""{"image_processor_type": "ViTImageProcessor", "size": 224}""")}}}
    */
  def parse(json: String): ProcessorConfig = ProcessorConfigReader.parse(json)

  /** Reads an already parsed `preprocessor_config.json`; see [[parse]]. */
  def fromJson(config: JsonNode): ProcessorConfig = ProcessorConfigReader.read(config)
}
