package sparkvision.image.preprocess

import sparkvision.image.resample.ResampleFilter
import sparkvision.image.{NamedValue, NamedValues, PixelSize, ProcessorException, SparkVisionException}

/** An image processor of transformers: the settings and the defaults of its slow (Pillow) class in version 4.57.
  *
  * @param name
  *   the name of the class
  * @param resize
  *   the resize that follows from `size` and `crop_pct`
  * @param size
  *   the default of `size`
  * @param numberIsSquare
  *   whether a `size` that is one number sets both sides; otherwise it sets the shortest edge
  * @param keys
  *   the settings that the class uses; it ignores all others
  * @param defaults
  *   the defaults of all settings but `size` and `crop_pct`
  * @param cropPercentage
  *   the default of `crop_pct`
  */
private[sparkvision] final case class ImageProcessorType(
    name: String,
    resize: SizeSetting.Meaning,
    size: SizeSetting,
    numberIsSquare: Boolean,
    keys: Set[String],
    defaults: ProcessorConfig,
    cropPercentage: Option[Double] = None
) extends NamedValue

private[sparkvision] object ImageProcessorType extends NamedValues[ImageProcessorType]("image_processor_type") {
  import ResampleFilter.{Bicubic, Bilinear, Nearest}
  import SizeSetting.{Edge, Sides}

  private val resizing = Set("do_resize", "size", "resample", "do_rescale", "rescale_factor")
  private val normalizing = Set("do_normalize", "image_mean", "image_std")
  private val cropping = Set("do_center_crop", "crop_size")

  // Means and standard deviations are IMAGENET_STANDARD, IMAGENET_DEFAULT and OPENAI_CLIP in transformers' constants.
  private val standard = ProcessorConfig(imageMean = Seq(0.5, 0.5, 0.5), imageStd = Seq(0.5, 0.5, 0.5))
  private val imageNet = ProcessorConfig(imageMean = Seq(0.485, 0.456, 0.406), imageStd = Seq(0.229, 0.224, 0.225))
  private val openAi = ProcessorConfig(
    imageMean = Seq(0.48145466, 0.4578275, 0.40821073),
    imageStd = Seq(0.26862954, 0.26130258, 0.27577711)
  )

  private val padding =
    Set("do_pad", "pad_size", "pad_and_return_pixel_mask", "max_size", "format", "do_convert_annotations")

  private def cropped(config: ProcessorConfig, resample: ResampleFilter, pixels: Int = 224) =
    config.copy(resample = resample, doCenterCrop = true, cropSize = Some(PixelSize(pixels, pixels)))

  /** A processor that resizes to two sides. */
  private def sides(name: String, pixels: Int, moreKeys: Set[String], defaults: ProcessorConfig) =
    ImageProcessorType(
      name,
      SizeSetting.sides,
      Sides(pixels, pixels),
      numberIsSquare = true,
      resizing ++ normalizing ++ moreKeys,
      defaults
    )

  /** A processor that resizes to two sides or by the shortest edge, and crops. */
  private def edge(name: String, pixels: Int, defaults: ProcessorConfig) =
    ImageProcessorType(
      name,
      SizeSetting.sidesOrEdge,
      Edge(pixels),
      numberIsSquare = false,
      resizing ++ cropping ++ normalizing,
      defaults
    )

  /** A processor that resizes to two sides, by both edges or within two sides, and pads. */
  private def padded(name: String, resize: SizeSetting.Meaning) =
    ImageProcessorType(
      name,
      resize,
      Edge(800, Some(1333)),
      numberIsSquare = false,
      resizing ++ normalizing ++ padding,
      imageNet.copy(doPad = true)
    )

  /** The processor of a file that names none, as old files of ViT do. */
  val vit: ImageProcessorType = sides("ViTImageProcessor", 224, Set.empty, standard)

  override val all: Seq[ImageProcessorType] = Seq(
    vit,
    sides("DeiTImageProcessor", 256, cropping, cropped(standard, Bicubic)),
    sides("BeitImageProcessor", 256, cropping, cropped(standard, Bicubic)),
    sides("PvtImageProcessor", 224, Set.empty, imageNet),
    sides("SegformerImageProcessor", 512, Set.empty, imageNet),
    sides("SiglipImageProcessor", 224, Set.empty, standard.copy(resample = Bicubic)).copy(numberIsSquare = false),
    sides(
      "EfficientNetImageProcessor",
      346,
      cropping ++ Set("rescale_offset", "include_top"),
      cropped(standard, Nearest, 289).copy(doCenterCrop = false, includeTop = true)
    ),
    sides("EfficientFormerImageProcessor", 224, cropping, cropped(imageNet, Bicubic))
      .copy(resize = SizeSetting.sidesOrEdge),
    edge("CLIPImageProcessor", 224, cropped(openAi, Bicubic)),
    edge("BitImageProcessor", 224, cropped(openAi, Bicubic)),
    edge("ViTHybridImageProcessor", 224, cropped(openAi, Bicubic)),
    edge("MobileNetV1ImageProcessor", 256, cropped(standard, Bilinear)),
    edge("MobileNetV2ImageProcessor", 256, cropped(standard, Bilinear)),
    edge(
      "MobileViTImageProcessor",
      224,
      cropped(standard, Bilinear, 256).copy(doNormalize = false, doFlipChannelOrder = true)
    ).copy(keys = resizing ++ cropping + "do_flip_channel_order"),
    edge("LevitImageProcessor", 224, cropped(imageNet, Bicubic)).copy(resize = SizeSetting.levit),
    edge("PoolFormerImageProcessor", 224, cropped(imageNet, Bicubic))
      .copy(
        resize = SizeSetting.poolFormer,
        keys = resizing ++ cropping ++ normalizing + "crop_pct",
        cropPercentage = Some(0.9)
      ),
    edge("ConvNextImageProcessor", 384, standard)
      .copy(resize = SizeSetting.convNext, keys = resizing ++ normalizing + "crop_pct"),
    padded("DetrImageProcessor", SizeSetting.detr),
    padded("YolosImageProcessor", SizeSetting.yolos)
  )

  /** The processor with the name in `image_processor_type` or, in old files, in `feature_extractor_type`. A fast (torchvision)
    * class is read as the corresponding slow class, which is the reference.
    */
  override def find(name: String): Option[ImageProcessorType] =
    super.find(name.stripSuffix("Fast").replace("FeatureExtractor", "ImageProcessor"))

  override protected def refusal(message: String): SparkVisionException = new ProcessorException(message)
}
