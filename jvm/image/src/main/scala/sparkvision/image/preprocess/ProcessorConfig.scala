package sparkvision.image.preprocess

import com.fasterxml.jackson.databind.JsonNode

import sparkvision.image.resample.{ResampleFilter, ResizeBackend}
import sparkvision.image.{PixelSize, ProcessorException}

/** The settings of a `preprocessor_config.json`, with the defaults of the processor's slow (Pillow) class in transformers
  * 4.57. The steps run in this order: resize, centre crop, rescale, normalise, flip the channels.
  *
  * @param doResize
  *   whether to resize by `resize`
  * @param resize
  *   the size of the resized image; without resizing and cropping, the size that images must have
  * @param resample
  *   the filter of the resize
  * @param doCenterCrop
  *   whether to keep only the centre of an image, in the size `cropSize`
  * @param cropSize
  *   the size of the centre crop; pixels that the image does not fill are black; None for processors that do not crop
  * @param doRescale
  *   whether to multiply the samples (0 to 255) by `rescaleFactor`
  * @param rescaleFactor
  *   1/255 scales samples to 0..1
  * @param rescaleOffset
  *   whether to subtract 1 after rescaling
  * @param doNormalize
  *   whether to subtract `imageMean` and divide by `imageStd`
  * @param imageMean
  *   red, green, blue
  * @param imageStd
  *   red, green, blue; none is 0
  * @param includeTop
  *   whether to divide by `imageStd` once more, as EfficientNet does
  * @param doFlipChannelOrder
  *   whether the model takes blue, green, red
  * @param doPad
  *   whether the images of a batch are padded to one size, as those of detection models are
  * @param padSize
  *   the padded size; None pads to the largest height and width in the batch
  * @param resizeBackend
  *   the library whose arithmetic the resize follows; with torchvision `resample` is `Bilinear` or `Bicubic`
  */
final case class ProcessorConfig(
    doResize: Boolean = true,
    resize: ResizeRule = ResizeRule.Exact(224, 224),
    resample: ResampleFilter = ResampleFilter.Bilinear,
    doCenterCrop: Boolean = false,
    cropSize: Option[PixelSize] = None,
    doRescale: Boolean = true,
    rescaleFactor: Double = 1.0 / 255,
    rescaleOffset: Boolean = false,
    doNormalize: Boolean = true,
    imageMean: Seq[Double] = Seq(0.5, 0.5, 0.5),
    imageStd: Seq[Double] = Seq(0.5, 0.5, 0.5),
    includeTop: Boolean = false,
    doFlipChannelOrder: Boolean = false,
    doPad: Boolean = false,
    padSize: Option[PixelSize] = None,
    resizeBackend: ResizeBackend = ResizeBackend.Pillow
) {
  requireSensible()

  /** The size of the centre crop, or None when images are not cropped. */
  def crop: Option[PixelSize] = if (doCenterCrop) cropSize else if (doResize) resize.crop else None

  /** The size of the model's input; None when the size depends on the image. */
  def outputSize: Option[PixelSize] = crop.orElse(resize.fixedSize)

  /** These settings, replaced by the overrides that are set.
    *
    * @throws ProcessorException
    *   when an override contradicts another one or these settings, or has an invalid value
    * @example
    *   {{{config.withOverrides(ProcessorOverrides(size = Some(384)))}}}
    */
  def withOverrides(overrides: ProcessorOverrides): ProcessorConfig = overrides.appliedTo(this)

  private def requireSensible(): Unit = {
    def refuse(what: String): Nothing = throw new ProcessorException(what)
    cropSize
      .filter(size => size.height <= 0 || size.width <= 0 || size.height.toLong * size.width * 3 > Int.MaxValue)
      .foreach(size => refuse(s"crop_size is $size (height x width): use sides of at least 1 pixel that fit in memory"))
    if (doCenterCrop && cropSize.isEmpty) refuse("do_center_crop is true, but there is no crop_size: set it")
    if (
      resizeBackend == ResizeBackend.Torchvision && !Seq(ResampleFilter.Bilinear, ResampleFilter.Bicubic).contains(
        resample
      )
    )
      refuse(
        s"resample is $resample, which torchvision does not support: set resizeBackend to pillow, or another resample"
      )
    if (!rescaleFactor.isFinite) refuse(s"rescale_factor is $rescaleFactor: use a finite number, usually 1/255")
    Seq("image_mean" -> imageMean, "image_std" -> imageStd).foreach { case (name, values) =>
      if (values.length != 3) refuse(s"$name has ${values.length} values $values: give three, for red, green and blue")
      if (!values.forall(_.isFinite)) refuse(s"$name is $values: use finite numbers")
    }
    if ((doNormalize || includeTop) && imageStd.exists(_.toFloat == 0f))
      refuse(s"image_std is $imageStd: a value of 0 would divide by zero; set do_normalize to false instead")
  }
}

object ProcessorConfig {

  /** Reads the text of a `preprocessor_config.json`.
    *
    * @throws ProcessorException
    *   when the text is not a JSON object, or a setting is not supported; the message names key, value and supported values
    * @example
    *   {{{ProcessorConfig.parse("""{"image_processor_type": "ViTImageProcessor", "size": 224}""")}}}
    */
  def parse(json: String): ProcessorConfig = ProcessorConfigReader.parse(json)

  /** Reads a `preprocessor_config.json` that is parsed already; see [[parse]]. */
  def fromJson(config: JsonNode): ProcessorConfig = ProcessorConfigReader.read(config)
}
