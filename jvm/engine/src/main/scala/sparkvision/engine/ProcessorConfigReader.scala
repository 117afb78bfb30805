package sparkvision.engine

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

/** From `preprocessor_config.json` to [[ProcessorConfig]]. A setting that could change pixels is either done or
  * refused.
  */
private[engine] object ProcessorConfigReader {

  /** The processors whose pixels are known to be these; the fast one is read as its slow twin (DESIGN: the slow one
    * is the reference). A file without a type is an old one, and read as a ViT's.
    */
  private val supportedTypes = Seq("ViTImageProcessor", "ViTImageProcessorFast", "ViTFeatureExtractor")

  private val supportedKeys = Seq(
    "do_resize",
    "size",
    "resample",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_convert_rgb"
  )

  /** Keys that transformers writes and that no pixel depends on: names, and how tensors are handed out in Python.
    * Pictures here are always RGB, so do_convert_rgb changes nothing either.
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
    "do_convert_rgb"
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
    requireSupported(config)
    val defaults = ProcessorConfig()
    val (height, width) = size(config).getOrElse((defaults.height, defaults.width))
    ProcessorConfig(
      doResize = flag(config, "do_resize"),
      height = height,
      width = width,
      resample = integer(config, "resample").map(ResampleFilter.byId).getOrElse(defaults.resample),
      doRescale = flag(config, "do_rescale"),
      rescaleFactor = number(config, "rescale_factor").getOrElse(defaults.rescaleFactor),
      doNormalize = flag(config, "do_normalize"),
      imageMean = perChannel(config, "image_mean").getOrElse(defaults.imageMean),
      imageStd = perChannel(config, "image_std").getOrElse(defaults.imageStd)
    )
  }

  private def requireSupported(config: JsonNode): Unit = {
    val processor = present(config, "image_processor_type").orElse(present(config, "feature_extractor_type"))
    processor.foreach { name =>
      if (!supportedTypes.contains(name.asText))
        refuse("image_processor_type", name, s"supported are ${supportedTypes.mkString(", ")}")
    }
    config.properties.asScala.foreach { entry =>
      val (key, value) = (entry.getKey, entry.getValue)
      val known = supportedKeys.contains(key) || harmlessKeys(key) || isChannelsFirst(key, value)
      // A step that is switched off, or a setting that was left empty, changes nothing.
      if (!known && !switchedOff(config, key, value))
        refuse(
          key,
          value,
          s"supported are ${supportedKeys.mkString(", ")}; remove the setting only if no pixel needs it"
        )
    }
  }

  private def isChannelsFirst(key: String, value: JsonNode): Boolean =
    key == "data_format" && value.asText == "channels_first"

  private def switchedOff(config: JsonNode, key: String, value: JsonNode): Boolean =
    value.isNull || value.isBoolean && !value.asBoolean ||
      key == "crop_size" && !config.path("do_center_crop").asBoolean(false)

  private def size(config: JsonNode): Option[(Int, Int)] = present(config, "size").map { size =>
    if (size.isIntegralNumber && config.path("default_to_square").asBoolean(true))
      (pixels(size, size), pixels(size, size))
    else if (size.isArray && size.size == 2) (pixels(size.get(0), size), pixels(size.get(1), size))
    else if (size.isObject && size.fieldNames.asScala.toSet == Set("height", "width"))
      (pixels(size.get("height"), size), pixels(size.get("width"), size))
    else refuse("size", size, """supported are a number and {"height": ..., "width": ...}""")
  }

  private def pixels(side: JsonNode, size: JsonNode): Int =
    if (side.isIntegralNumber && side.canConvertToInt) side.asInt
    else refuse("size", size, "its sides must be whole numbers of pixels")

  private def flag(config: JsonNode, key: String): Boolean = Option(config.get(key)).forall { value =>
    if (value.isBoolean) value.asBoolean else refuse(key, value, "it must be true or false")
  }

  private def integer(config: JsonNode, key: String): Option[Int] = Option(config.get(key)).map { value =>
    if (value.isIntegralNumber && value.canConvertToInt) value.asInt
    else refuse(key, value, "it must be a whole number")
  }

  private def number(config: JsonNode, key: String): Option[Double] = Option(config.get(key)).map { value =>
    if (value.isNumber) value.asDouble else refuse(key, value, "it must be a number")
  }

  /** Three numbers, or one for all three channels, as in transformers. */
  private def perChannel(config: JsonNode, key: String): Option[Seq[Double]] = present(config, key).map { value =>
    if (value.isNumber) Seq.fill(3)(value.asDouble)
    else if (value.isArray && value.elements.asScala.forall(_.isNumber)) value.elements.asScala.map(_.asDouble).toSeq
    else refuse(key, value, "it must be three numbers, for red, green and blue")
  }

  /** A key's value, unless it is missing or null. */
  private def present(config: JsonNode, key: String): Option[JsonNode] = Option(config.get(key)).filterNot(_.isNull)

  private def refuse(key: String, value: JsonNode, remedy: String): Nothing =
    throw new ProcessorException(s"preprocessor_config.json: $key is $value, which is not supported; $remedy")
}
