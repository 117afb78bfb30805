package sparkvision.engine.pipeline

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.engine.postprocess.Pooling
import sparkvision.image.ParameterException
import sparkvision.image.codec.DecodeMode
import sparkvision.image.preprocess.ProcessorOverrides

/** [[ModelSettings]] from a JSON object of a stage's Params by their names: how a stage that was saved elsewhere is run
  * without Spark. What the object leaves out is as if unset.
  *
  * {{{
  * ModelSettingsReader.read("""{"size": 64, "topK": 3}""")
  * }}}
  */
private[engine] object ModelSettingsReader {

  /** @throws ParameterException
    *   for a name that is none of these settings: passed over, it would give other numbers in silence
    */
  def read(json: String): ModelSettings = {
    val params = new Params(new ObjectMapper().readTree(json))
    val defaults = ModelSettings()
    val settings = ModelSettings(
      processor = processor(params),
      batchSize = params("batchSize")(_.asInt).getOrElse(defaults.batchSize),
      maxImagePixels = params("maxImagePixels")(_.asLong).getOrElse(defaults.maxImagePixels),
      decodeMode = params("decodeMode")(_.asText).map(DecodeMode.parse).getOrElse(defaults.decodeMode),
      topK = params("topK")(_.asInt),
      threshold = params("threshold")(_.asDouble).getOrElse(defaults.threshold),
      pooling = params("pooling")(_.asText).map(Pooling.parse).getOrElse(defaults.pooling),
      normalize = params("normalize")(_.asBoolean).getOrElse(defaults.normalize)
    )
    params.requireAllRead()
    settings
  }

  private def processor(params: Params) = ProcessorOverrides(
    size = params("size")(_.asInt),
    height = params("height")(_.asInt),
    width = params("width")(_.asInt),
    doResize = params("doResize")(_.asBoolean),
    resample = params("resample")(_.asInt),
    doRescale = params("doRescale")(_.asBoolean),
    rescaleFactor = params("rescaleFactor")(_.asDouble),
    doNormalize = params("doNormalize")(_.asBoolean),
    imageMean = params("imageMean")(numbers),
    imageStd = params("imageStd")(numbers),
    cropSize = params("cropSize")(_.asInt),
    doCenterCrop = params("doCenterCrop")(_.asBoolean),
    resizeBackend = params("resizeBackend")(_.asText)
  )

  private def numbers(values: JsonNode): Seq[Double] = values.elements.asScala.map(_.asDouble).toSeq

  /** The object, and which of its names have been asked for. */
  final private class Params(json: JsonNode) {
    private var unread = json.fieldNames.asScala.toSet

    def apply[A](name: String)(value: JsonNode => A): Option[A] = {
      unread -= name
      Option(json.get(name)).map(value)
    }

    def requireAllRead(): Unit = if (unread.nonEmpty)
      throw new ParameterException(s"${unread.toSeq.sorted.mkString(", ")}: there is no such setting of a model.")
  }
}
