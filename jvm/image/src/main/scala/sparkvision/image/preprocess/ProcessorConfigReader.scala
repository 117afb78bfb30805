package sparkvision.image.preprocess

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.image.resample.{ResampleFilter, ResizeBackend}
import sparkvision.image.{NamedValue, NamedValues, PixelSize, ProcessorException}

/** Reads a `preprocessor_config.json`. A setting that could change pixels is either supported or refused. */
private[sparkvision] object ProcessorConfigReader {

  /** Keys that transformers writes and that do not affect pixels: names, and the form of tensors in Python. Images are always
    * RGB here, so that do_convert_rgb has no effect; the keys on labels concern segmentation maps.
    */
  private val harmlessKeys = Set(
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "_processor_class",
    "_valid_processor_keys",
    "return_tensors",
    "device",
    "disable_grouping",
    "default_to_square",
    "do_convert_rgb",
    "do_reduce_labels",
    "reduce_labels",
    "resizeBackend"
  )

  def parse(json: String): ProcessorConfig =
    try read(new ObjectMapper().readTree(json))
    catch {
      case broken: JsonProcessingException =>
        throw new ProcessorException(
          s"preprocessor_config.json is not valid JSON: ${broken.getOriginalMessage}; save the processor again",
          broken
        )
    }

  def read(config: JsonNode): ProcessorConfig = {
    if (config == null || !config.isObject)
      throw new ProcessorException("preprocessor_config.json must hold a JSON object; save the processor again")
    val processor = processorType(config)
    requireSupported(config, processor)
    val defaults = processor.defaults
    val doPad = padding(config, defaults)
    ProcessorConfig(
      doResize = flag(config, "do_resize", defaults.doResize),
      resize = resizeRule(config, processor),
      resample = filter(config).getOrElse(defaults.resample),
      doCenterCrop = flag(config, "do_center_crop", defaults.doCenterCrop),
      cropSize = cropSize(config).orElse(defaults.cropSize),
      doRescale = flag(config, "do_rescale", defaults.doRescale),
      rescaleFactor = number(config, "rescale_factor").getOrElse(defaults.rescaleFactor),
      rescaleOffset = flag(config, "rescale_offset", defaults.rescaleOffset),
      doNormalize = flag(config, "do_normalize", defaults.doNormalize),
      imageMean = perChannel(config, "image_mean").getOrElse(defaults.imageMean),
      imageStd = perChannel(config, "image_std").getOrElse(defaults.imageStd),
      includeTop = flag(config, "include_top", defaults.includeTop),
      doFlipChannelOrder = flag(config, "do_flip_channel_order", defaults.doFlipChannelOrder),
      doPad = doPad,
      padSize = if (doPad) padSize(config) else None,
      // A setting of SparkVision, which transformers ignores.
      resizeBackend =
        present(config, "resizeBackend").map(named("resizeBackend", _, ResizeBackend)).getOrElse(defaults.resizeBackend)
    )
  }

  private def processorType(config: JsonNode): ImageProcessorType =
    present(config, "image_processor_type").orElse(present(config, "feature_extractor_type")) match {
      case None => ImageProcessorType.vit
      case Some(name) =>
        ImageProcessorType
          .find(name.asText)
          .getOrElse(
            refuse(
              "image_processor_type",
              name,
              s"supported are ${ImageProcessorType.all.mkString(", ")}, and the corresponding fast classes"
            )
          )
    }

  private def requireSupported(config: JsonNode, processor: ImageProcessorType): Unit =
    config.properties.asScala.foreach { entry =>
      val (key, value) = (entry.getKey, entry.getValue)
      val known = processor.keys(key) || harmlessKeys(key) || isChannelsFirst(key, value)
      // A step that is switched off and an empty setting have no effect.
      if (!known && !switchedOff(config, key, value))
        refuse(
          key,
          value,
          s"${processor.name} uses ${processor.keys.toSeq.sorted.mkString(", ")}; remove the setting only if no " +
            "pixel needs it"
        )
    }

  private def isChannelsFirst(key: String, value: JsonNode): Boolean =
    key == "data_format" && value.asText == "channels_first"

  private def switchedOff(config: JsonNode, key: String, value: JsonNode): Boolean =
    value.isNull || value.isBoolean && !value.asBoolean ||
      key == "crop_size" && !config.path("do_center_crop").asBoolean(false) ||
      Set("image_mean", "image_std")(key) && !config.path("do_normalize").asBoolean(false)

  private def resizeRule(config: JsonNode, processor: ImageProcessorType): ResizeRule = {
    // An empty crop_pct differs from a missing one: with it PoolFormer does not enlarge.
    val cropPercentage = if (config.has("crop_pct")) number(config, "crop_pct") else processor.cropPercentage
    val setting = present(config, "size").map(sizeSetting(config, _, processor)).getOrElse(processor.size)
    processor.resize
      .lift(setting -> cropPercentage)
      .getOrElse(refuse("size", config.get("size"), s"${processor.name} cannot resize by it"))
  }

  private def sizeSetting(config: JsonNode, size: JsonNode, processor: ImageProcessorType): SizeSetting = {
    def within(key: String) = pixels("size", size.get(key), size)
    val keys = size.fieldNames.asScala.toSet
    if (size.isNumber && processor.numberIsSquare)
      SizeSetting.Sides(pixels("size", size, size), pixels("size", size, size))
    else if (size.isNumber) SizeSetting.Edge(pixels("size", size, size), longestEdge(config, processor))
    else if (keys == Set("shortest_edge")) SizeSetting.Edge(within("shortest_edge"))
    else if (keys == Set("shortest_edge", "longest_edge"))
      SizeSetting.Edge(within("shortest_edge"), Some(within("longest_edge")))
    else if (keys == Set("max_height", "max_width")) SizeSetting.Within(within("max_height"), within("max_width"))
    else {
      val (height, width) = sides("size", size)
      SizeSetting.Sides(height, width)
    }
  }

  /** The longest edge that belongs to a `size` that is one number: `max_size`, in files from before transformers 4.26. */
  private def longestEdge(config: JsonNode, processor: ImageProcessorType): Option[Int] = processor.size match {
    case SizeSetting.Edge(_, default) =>
      present(config, "max_size")
        .filter(_ => processor.keys("max_size"))
        .map(size => pixels("max_size", size, size))
        .orElse(default)
    case _ => None
  }

  /** `pad_and_return_pixel_mask` is the old name of `do_pad` and takes precedence. */
  private def padding(config: JsonNode, defaults: ProcessorConfig): Boolean = {
    val doPad = flag(config, "do_pad", defaults.doPad)
    defaults.doPad && flag(config, "pad_and_return_pixel_mask", doPad)
  }

  private def padSize(config: JsonNode): Option[PixelSize] = present(config, "pad_size").map { size =>
    val (height, width) = sides("pad_size", size)
    PixelSize(height, width)
  }

  private def cropSize(config: JsonNode): Option[PixelSize] = present(config, "crop_size").map { size =>
    if (size.isNumber) PixelSize(pixels("crop_size", size, size), pixels("crop_size", size, size))
    else {
      val (height, width) = sides("crop_size", size)
      PixelSize(height, width)
    }
  }

  private def sides(key: String, size: JsonNode): (Int, Int) =
    if (size.isArray && size.size == 2) (pixels(key, size.get(0), size), pixels(key, size.get(1), size))
    else if (size.fieldNames.asScala.toSet == Set("height", "width"))
      (pixels(key, size.get("height"), size), pixels(key, size.get("width"), size))
    else refuse(key, size, """use a number of pixels or {"height": ..., "width": ...}""")

  private def pixels(key: String, side: JsonNode, size: JsonNode): Int =
    if (side.isIntegralNumber && side.canConvertToInt) side.asInt
    else refuse(key, size, "its sides must be whole numbers of pixels")

  private def filter(config: JsonNode): Option[ResampleFilter] = present(config, "resample").map { value =>
    if (value.isTextual) named("resample", value, ResampleFilter)
    else if (value.isIntegralNumber && value.canConvertToInt) ResampleFilter.byId(value.asInt)
    else refuse("resample", value, "it must be a filter's number or name")
  }

  private def named[V <: NamedValue](key: String, value: JsonNode, values: NamedValues[V]): V =
    values.find(value.asText).getOrElse(refuse(key, value, s"use one of ${values.all.mkString(", ")}"))

  /** Python writes false as null too. */
  private def flag(config: JsonNode, key: String, default: Boolean): Boolean = Option(config.get(key)) match {
    case None => default
    case Some(value) if value.isBoolean || value.isNull => value.asBoolean
    case Some(value) => refuse(key, value, "it must be true or false")
  }

  private def number(config: JsonNode, key: String): Option[Double] = present(config, key).map { value =>
    if (value.isNumber) value.asDouble else refuse(key, value, "it must be a number")
  }

  /** Three numbers, or one number for all three channels, as in transformers. */
  private def perChannel(config: JsonNode, key: String): Option[Seq[Double]] = present(config, key).map { value =>
    if (value.isNumber) Seq.fill(3)(value.asDouble)
    else if (value.isArray && value.elements.asScala.forall(_.isNumber)) value.elements.asScala.map(_.asDouble).toSeq
    else refuse(key, value, "it must be three numbers, for red, green and blue")
  }

  /** The value of a key, or None when it is missing or null. */
  private def present(config: JsonNode, key: String): Option[JsonNode] = Option(config.get(key)).filterNot(_.isNull)

  private def refuse(key: String, value: JsonNode, remedy: String): Nothing =
    throw new ProcessorException(s"preprocessor_config.json: $key is $value, which is not supported; $remedy")
}
