package sparkvision.image.preprocess

import sparkvision.image.PixelSize
import sparkvision.image.resample.ResampleFilter

/** One of transformers' image processors: what its slow (Pillow) class in version 4.57 takes, and what it does when the
  * file does not say.
  *
  * @param name
  *   the class
  * @param resize
  *   what it makes of `size` and `crop_pct`
  * @param size
  *   its default `size`
  * @param numberIsSquare
  *   whether a `size` that is one number means both sides, or the shortest edge
  * @param keys
  *   the settings it looks at; it ignores every other
  * @param defaults
  *   what it does beside resizing when the file does not say
  * @param cropPercentage
  *   its default `crop_pct`
  */
private[sparkvision] final case class ImageProcessorType(
    name: String,
    resize: SizeSetting.Meaning,
    size: SizeSetting,
    numberIsSquare: Boolean,
    keys: Set[String],
    defaults: ProcessorConfig,
    cropPercentage: Option[Double] = None
)

private[sparkvision] object ImageProcessorType {
  import ResampleFilter.{Bicubic, Bilinear, Nearest}
  import SizeSetting.{Edge, Sides}

  private val resizing = Set("do_resize", "size", "resample", "do_rescale", "rescale_factor")
  private val normalizing = Set("do_normalize", "image_mean", "image_std")
  private val cropping = Set("do_center_crop", "crop_size")

  // Means and deviations: transformers' utils/constants.py, IMAGENET_STANDARD, IMAGENET_DEFAULT and OPENAI_CLIP.
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

  /** Resizes to two sides. */
  private def sides(name: String, pixels: Int, moreKeys: Set[String], defaults: ProcessorConfig) =
    ImageProcessorType(
      name,
      SizeSetting.sides,
      Sides(pixels, pixels),
      numberIsSquare = true,
      resizing ++ normalizing ++ moreKeys,
      defaults
    )

  /** Resizes to two sides or by the shortest edge, and crops. */
  private def edge(name: String, pixels: Int, defaults: ProcessorConfig) =
    ImageProcessorType(
      name,
      SizeSetting.sidesOrEdge,
      Edge(pixels),
      numberIsSquare = false,
      resizing ++ cropping ++ normalizing,
      defaults
    )

  /** Resizes to two sides, by both edges or within two sides, and pads. */
  private def padded(name: String, resize: SizeSetting.Meaning) =
    ImageProcessorType(
      name,
      resize,
      Edge(800, Some(1333)),
      numberIsSquare = false,
      resizing ++ normalizing ++ padding,
      imageNet.copy(doPad = true)
    )

  /** Read too where a file does not name its processor: old ViT files do not. */
  val vit: ImageProcessorType = sides("ViTImageProcessor", 224, Set.empty, standard)

  val all: Seq[ImageProcessorType] = Seq(
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

  /** The processor of a file's `image_processor_type` or, in old files, `feature_extractor_type`. The fast (torchvision)
    * class is read as its slow twin, which is the reference.
    */
  def named(name: String): Option[ImageProcessorType] = {
    val slow = name.stripSuffix("Fast").replace("FeatureExtractor", "ImageProcessor")
    all.find(_.name == slow)
  }
}
