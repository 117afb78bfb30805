package sparkvision.engine.bundle

import java.nio.charset.StandardCharsets.UTF_8
import java.security.MessageDigest

import scala.collection.immutable.SortedMap
import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.image.preprocess.ChannelLayout

/** An input or output of a graph: its name, element type (`float32`, `float16`, ...) and shape, with -1 for a dimension that
  * may vary.
  */
final case class TensorInfo(name: String, elementType: String, shape: Seq[Long])

object TensorInfo {
  val Float32 = "float32"
  val Float16 = "float16"
  val Int64 = "int64"

  /** The input that distinguishes pixels from padding. */
  private[engine] val PixelMask = "pixel_mask"

  /** The outputs of a detection model. */
  private[engine] val Logits = "logits"
  private[engine] val Boxes = "pred_boxes"

  /** The outputs of an encoder: every token's state, and the model's own pooling of them. */
  private[engine] val HiddenState = "last_hidden_state"
  private[engine] val PoolerOutput = "pooler_output"

  /** The types that the engine feeds and reads; it computes in float32 itself. */
  val Floats: Set[String] = Set(Float32, Float16)
}

/** An input and the output that the exporter computed for it, which a session must reproduce. Both files contain raw
  * little-endian float32.
  */
final case class GoldenPair(input: String, inputShape: Seq[Long], output: String, outputShape: Seq[Long])

/** Size in bytes and sha256 (lower-case hexadecimal) of a file. */
final case class FileDigest(sha256: String, size: Long)

/** The content of `sparkvision.json`, which the exporter writes and the engine reads.
  *
  * @param labels
  *   class names; the position of a label is its id
  * @param tolerance
  *   largest absolute difference from the golden output that a session may have
  * @param files
  *   every file of the bundle except `sparkvision.json` itself, by its path relative to the bundle
  * @param text
  *   the text half of a zero-shot model
  * @param graphFile
  *   the file of the graph that `inputs`, `outputs` and `golden` describe
  */
final case class BundleManifest(
    task: ModelTask,
    architecture: String,
    inputs: Seq[TensorInfo],
    inputLayout: ChannelLayout,
    outputs: Seq[TensorInfo],
    labels: IndexedSeq[String],
    problemType: ProblemType,
    precision: String,
    tolerance: Double,
    golden: Option[GoldenPair],
    files: SortedMap[String, FileDigest],
    text: Option[TextModel] = None,
    graphFile: String = BundleManifest.GraphFile
) {

  /** sha256 over the sorted (name, sha256) of graph and external-data files: bundles with the same hash share sessions. */
  lazy val modelHash: String = BundleManifest.digest(files.filterNot { case (name, _) =>
    BundleManifest.isOutsideModel(name)
  })
}

object BundleManifest {
  val FileName = "sparkvision.json"
  val GraphFile = "model.onnx"
  private val SchemaVersion = 1
  private val mapper = new ObjectMapper

  /** sha256 over the lines "name sha256", sorted by name. */
  private[engine] def digest(files: SortedMap[String, FileDigest]): String =
    sha256(files.map { case (name, file) => s"$name ${file.sha256}\n" }.mkString.getBytes(UTF_8))

  /** The hash of the bundle that a manifest describes, which is `ModelBundle.bundleHash`.
    *
    * @param json
    *   the manifest's file
    */
  private[sparkvision] def bundleHash(manifest: BundleManifest, json: Array[Byte]): String =
    digest(manifest.files + (FileName -> FileDigest(sha256(json), json.length.toLong)))

  private[engine] def sha256(bytes: Array[Byte]): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

  private[engine] def hex(bytes: Array[Byte]): String = bytes.map(b => f"${b & 0xff}%02x").mkString

  /** @param where
    *   the location of the bundle, for messages
    * @throws BundleException
    *   when the text is not a manifest of this version, names a file outside the bundle, or contradicts itself
    */
  def parse(json: String, where: String): BundleManifest = {
    val root =
      try mapper.readTree(json)
      catch { case e: JsonProcessingException => throw invalid(where, s"is not JSON (${e.getOriginalMessage})") }
    val reader = new ManifestReader(root, where)
    if (reader.int("schemaVersion") != SchemaVersion)
      throw invalid(
        where,
        s"has schemaVersion ${reader.int("schemaVersion")}, this version of SparkVision reads $SchemaVersion"
      )
    val precision = reader.text("precision")
    val manifest = BundleManifest(
      task = ModelTask.parse(reader.text("task")),
      architecture = reader.text("architecture"),
      inputs = reader.tensors("inputs"),
      inputLayout = reader.inputLayout,
      outputs = reader.tensors("outputs"),
      labels = reader.array("labels").map(_.asText).toIndexedSeq,
      problemType = ProblemType.parse(reader.text("problemType")),
      precision = precision,
      tolerance = reader.number("tolerance", precision),
      golden = Option.when(root.hasNonNull("golden"))(reader.golden("golden")),
      files = reader.files,
      text = Option.when(root.hasNonNull("text"))(reader.textModel)
    )
    manifest.files.keys.foreach(requireInside(_, where))
    if (!manifest.files.contains(GraphFile)) throw invalid(where, s"lists no $GraphFile")
    new ManifestRules(manifest, where, mayBeOpen = true).require()
    manifest
  }

  /** A bundle is untrusted input: its file names must be relative, stay inside it, and name no native library. */
  private[sparkvision] def requireInside(name: String, where: String): Unit = {
    val segments = name.split("/", -1)
    val unsafe = name.isEmpty || name.startsWith("/") || name.contains('\\') || name.contains('\u0000') ||
      name.matches("^[A-Za-z]:.*") || segments.exists(s => s.isEmpty || s == "." || s == "..")
    if (unsafe)
      throw new BundleException(
        s"The bundle $where names the file '$name', which is not inside it. Do not use this bundle; export the model again."
      )
    if (name.matches("(?i).*\\.(so|so\\.\\d.*|dll|dylib)"))
      throw new BundleException(
        s"The bundle $where contains the native library '$name'. Custom-op libraries are refused: export the model with standard operators."
      )
  }

  /** Weights are part of the model, so they must be in files that [[BundleManifest.modelHash]] includes. */
  private[engine] def requirePartOfModel(name: String, where: String): Unit = {
    requireInside(name, where)
    if (isOutsideModel(name))
      throw new BundleException(
        s"The graph in $where keeps weights in '$name', but assets/ and golden/ must not contain weights. Export the model again."
      )
  }

  private def isOutsideModel(name: String): Boolean = name.startsWith("assets/") || name.startsWith("golden/")

  private def invalid(where: String, problem: String): BundleException =
    new BundleException(s"$FileName of the bundle $where $problem. Export the model again with `sparkvision export`.")

  /** Typed access to the JSON of a manifest, with errors that name the missing key. */
  final private class ManifestReader(root: JsonNode, where: String) {
    def node(path: String*): JsonNode = {
      val found = path.foldLeft(root)((parent, key) => parent.path(key))
      if (found.isMissingNode || found.isNull) throw invalid(where, s"has no '${path.mkString(".")}'")
      found
    }

    def text(key: String): String = node(key).asText

    def int(key: String): Int = node(key).asInt

    def number(path: String*): Double = node(path: _*).asDouble

    def array(path: String*): Seq[JsonNode] = node(path: _*).elements.asScala.toSeq

    def tensors(key: String): Seq[TensorInfo] = array(key).map(tensor)

    private def tensor(node: JsonNode): TensorInfo = {
      val shape = node.path("shape").elements.asScala.map(d => if (d.isIntegralNumber) d.asLong else -1L).toSeq
      TensorInfo(node.path("name").asText, node.path("type").asText, shape)
    }

    /** Optional, because nearly every vision model has the channels first. */
    def inputLayout: ChannelLayout = {
      val name = root.path("inputLayout").asText(ChannelLayout.ChannelsFirst.name)
      val known = ChannelLayout.all.mkString(" or ")
      ChannelLayout.find(name).getOrElse(throw invalid(where, s"has inputLayout '$name'; it may be $known"))
    }

    def golden(at: String*): GoldenPair = {
      def shape(key: String) = array(at :+ key: _*).map(_.asLong)
      def file(key: String) = listed(node(at :+ key: _*).asText)
      GoldenPair(file("input"), shape("inputShape"), file("output"), shape("outputShape"))
    }

    def textModel: TextModel = TextModel(
      graph = listed(node("text", "graph").asText),
      tokenizer = listed(node("text", "tokenizer").asText),
      input = tensor(node("text", "input")),
      output = tensor(node("text", "output")),
      golden = golden("text", "golden"),
      logitScale = number("text", "logitScale"),
      hypothesisTemplate = node("text", "hypothesisTemplate").asText,
      labelEmbeddings =
        Option.when(node("text").hasNonNull("labelEmbeddings"))(listed(node("text", "labelEmbeddings").asText))
    )

    /** A file that the manifest names, which must be in its list of files because that has the hash. */
    private def listed(name: String): String = {
      if (!node("files").has(name)) throw invalid(where, s"names the file '$name' but lists no such file")
      name
    }

    def files: SortedMap[String, FileDigest] = SortedMap.from(node("files").fields.asScala.map { entry =>
      entry.getKey -> FileDigest(entry.getValue.path("sha256").asText, entry.getValue.path("size").asLong)
    })
  }
}

/** The text half of a model, whose embeddings are comparable with the embeddings of images.
  *
  * @param graph
  *   the file of the ONNX graph; its one input is token ids of shape [texts, tokens]
  * @param tokenizer
  *   the file from which a `TextTokenizer` is created; it includes the maximum length of a text
  * @param output
  *   the graph's output: embeddings of shape [texts, size]
  * @param logitScale
  *   factor by which the cosine between image and text is multiplied to get a logit
  * @param hypothesisTemplate
  *   the sentence that was used at export, in which each label replaces `{}`
  * @param labelEmbeddings
  *   the file with the embeddings of the bundle's labels, raw little-endian float32 of shape [labels, size]; None if the
  *   bundle has no labels
  */
final case class TextModel(
    graph: String,
    tokenizer: String,
    input: TensorInfo,
    output: TensorInfo,
    golden: GoldenPair,
    logitScale: Double,
    hypothesisTemplate: String,
    labelEmbeddings: Option[String]
)
