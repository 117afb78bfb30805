package sparkvision.engine.pipeline

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.engine.postprocess.Pooling
import sparkvision.engine.runtime.{ExecutionProvider, OneDnnFpMath, SessionConfig}
import sparkvision.engine.text.CandidateLabels
import sparkvision.image.ParameterException
import sparkvision.image.codec.DecodeMode
import sparkvision.image.preprocess.ProcessorOverrides

/** Reads [[ModelSettings]] from a JSON object whose keys are the names of a stage's Params. Java and Python choose settings
  * in this way, and so does whoever runs a saved stage without Spark. A key that is missing, or null, is unset.
  *
  * {{{
  * ModelSettingsReader.read("""{"size": 64, "topK": 3}""")
  * }}}
  */
private[engine] object ModelSettingsReader {
  private val mapper = new ObjectMapper

  /** @param defaults
    *   the settings that are not in the object
    * @throws ParameterException
    *   when the text is not a JSON object, or has an unknown key or a value of the wrong type: to ignore it would change
    *   results silently
    */
  def read(json: String, defaults: ModelSettings = ModelSettings()): ModelSettings = {
    val params = new Params(parse(json))
    val settings = defaults.copy(
      processor = processor(params),
      batchSize = params.int("batchSize").orElse(defaults.batchSize),
      maxImagePixels = params.long("maxImagePixels").getOrElse(defaults.maxImagePixels),
      decodeMode = params.text("decodeMode").fold(defaults.decodeMode)(DecodeMode.parse),
      topK = params.int("topK").orElse(defaults.topK),
      threshold = params.double("threshold").getOrElse(defaults.threshold),
      candidateLabels = candidateLabels(params).orElse(defaults.candidateLabels),
      pooling = params.text("pooling").fold(defaults.pooling)(Pooling.parse),
      normalize = params.boolean("normalize").getOrElse(defaults.normalize),
      session = session(params, defaults.session)
    )
    params.requireAllKnown()
    settings
  }

  private def parse(json: String): JsonNode = {
    val root =
      try mapper.readTree(json)
      catch {
        case e: JsonProcessingException =>
          throw new ParameterException(s"The settings of a model are not JSON (${e.getOriginalMessage}).")
      }
    if (!root.isObject) throw new ParameterException(s"The settings of a model must be a JSON object, not $json.")
    root
  }

  private def candidateLabels(params: Params): Option[CandidateLabels] = {
    val (labels, template) = (params.texts("candidateLabels"), params.text("hypothesisTemplate"))
    Option.when(labels.nonEmpty || template.nonEmpty)(CandidateLabels(labels, template))
  }

  /** As for stages, 0 threads and device -1 mean the default. */
  private def session(params: Params, defaults: SessionConfig) = SessionConfig(
    provider = params.text("executionProvider").fold(defaults.provider)(ExecutionProvider.parse),
    deviceId = params.int("deviceId").filter(_ != -1).getOrElse(defaults.deviceId),
    intraOpThreads = params.int("intraOpThreads").filter(_ != 0).getOrElse(defaults.intraOpThreads),
    cudaTf32 = params.boolean("cudaTf32").getOrElse(defaults.cudaTf32),
    gpuMemLimit = params.bytes("gpuMemLimit").orElse(defaults.gpuMemLimit),
    oneDnnFpMath = params.text("onednnFpMath").fold(defaults.oneDnnFpMath)(OneDnnFpMath.parse)
  )

  private def processor(params: Params) = ProcessorOverrides(
    size = params.int("size"),
    height = params.int("height"),
    width = params.int("width"),
    doResize = params.boolean("doResize"),
    resample = params.int("resample"),
    doRescale = params.boolean("doRescale"),
    rescaleFactor = params.double("rescaleFactor"),
    doNormalize = params.boolean("doNormalize"),
    imageMean = params.doubles("imageMean"),
    imageStd = params.doubles("imageStd"),
    cropSize = params.int("cropSize"),
    doCenterCrop = params.boolean("doCenterCrop"),
    resizeBackend = params.text("resizeBackend")
  )

  /** The object, and the keys that were asked for, which are the known ones. */
  final private class Params(json: JsonNode) {
    private var known = Set.empty[String]

    def int(name: String): Option[Int] = whole(name, Int.MinValue, Int.MaxValue)(_.canConvertToInt)(_.intValue)

    def long(name: String): Option[Long] = whole(name, Long.MinValue, Long.MaxValue)(_.canConvertToLong)(_.longValue)

    /** Jackson's `intValue` and `longValue` return the lowest bits of a number that is out of range. */
    private def whole[A](name: String, least: Long, most: Long)(isInRange: JsonNode => Boolean)(
        read: JsonNode => A
    ): Option[A] = value(name, "a whole number")(_.canConvertToExactIntegral) { node =>
      if (!isInRange(node)) throw new ParameterException(s"$name must be between $least and $most, not $node.")
      read(node)
    }

    def double(name: String): Option[Double] = value(name, "a number")(_.isNumber)(_.doubleValue)

    def boolean(name: String): Option[Boolean] = value(name, "true or false")(_.isBoolean)(_.booleanValue)

    def text(name: String): Option[String] = value(name, "a string")(_.isTextual)(_.textValue)

    def texts(name: String): Option[Seq[String]] =
      value(name, "an array of strings")(isArrayOf(_)(_.isTextual))(_.elements.asScala.map(_.textValue).toSeq)

    def doubles(name: String): Option[Seq[Double]] =
      value(name, "an array of numbers")(isArrayOf(_)(_.isNumber))(_.elements.asScala.map(_.doubleValue).toSeq)

    /** A number of bytes, or a text such as 512m or 4g. */
    def bytes(name: String): Option[Long] =
      value(name, "a number of bytes, or a text such as 512m or 4g")(node => sizeOf(node).nonEmpty)(sizeOf(_).get)

    private def sizeOf(node: JsonNode): Option[Long] = node.asText match {
      case Bytes(count, unit) =>
        val bits = Units.getOrElse(unit.toLowerCase, 0)
        count.toLongOption.filter(_ <= (Long.MaxValue >> bits)).map(_ << bits)
      case _ => None
    }

    private def isArrayOf(node: JsonNode)(isElement: JsonNode => Boolean): Boolean =
      node.isArray && node.elements.asScala.forall(isElement)

    private def value[A](name: String, kind: String)(isKind: JsonNode => Boolean)(read: JsonNode => A): Option[A] = {
      known += name
      Option(json.get(name)).filterNot(_.isNull).map { node =>
        if (!isKind(node)) throw new ParameterException(s"$name must be $kind, not $node.")
        read(node)
      }
    }

    def requireAllKnown(): Unit = {
      val unknown = json.fieldNames.asScala.filterNot(known).toSeq.sorted
      if (unknown.nonEmpty)
        throw new ParameterException(
          s"Unknown setting ${unknown.mkString("'", "', '", "'")}; the settings of a model are ${known.toSeq.sorted.mkString(", ")}."
        )
    }
  }

  private val Bytes = """(\d+)([kKmMgGtT]?)[bB]?""".r
  private val Units = Map("k" -> 10, "m" -> 20, "g" -> 30, "t" -> 40)
}
