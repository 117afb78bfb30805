package sparkvision.engine.bundle

import java.io.IOException
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}
import scala.collection.immutable.SortedMap
import scala.jdk.CollectionConverters._
import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.ObjectMapper
import org.slf4j.LoggerFactory
import sparkvision.image.preprocess.{ChannelLayout, ProcessorConfig}
import sparkvision.image.SparkVisionException

/** An exported model in a local folder, checked: every file is there with the hash the manifest gives, the graph has the
  * inputs, outputs and external data that the manifest declares, the golden pair fits them, and the labels match the
  * logits.
  *
  * {{{
  * val bundle = ModelBundle.open(Path.of("my-vit"))
  * bundle.manifest.labels     // Vector("tench", "goldfish", ...)
  * }}}
  */
final class ModelBundle private (
    val folder: Path,
    val manifest: BundleManifest,
    val processor: ProcessorConfig,
    manifestFile: Option[FileDigest]
) {

  /** Hash of the whole bundle, manifest included: graph, labels, preprocessing, golden pair. A stage remembers its model
    * by it.
    */
  val bundleHash: String = BundleManifest.digest(manifest.files ++ manifestFile.map(BundleManifest.FileName -> _))

  def graph: Path = folder.resolve(manifest.graphFile)

  /** The text half of a zero-shot model as a model of its own: what sessions run.
    *
    * @throws BundleException
    *   when there is none
    */
  def textModel: ModelBundle = {
    val text = requireText
    val half = manifest.copy(
      inputs = Seq(text.input),
      outputs = Seq(text.output),
      golden = Some(text.golden),
      graphFile = text.graph
    )
    new ModelBundle(folder, half, processor, manifestFile)
  }

  private[engine] def requireText: TextModel = manifest.text.getOrElse {
    throw new BundleException(
      s"The bundle $folder reads no texts. Export a CLIP with `sparkvision export --task " +
        s"${ModelTask.ZeroShotImageClassification.name}`."
    )
  }

  /** The same bundle after its folder was renamed. */
  private[sparkvision] def movedTo(newFolder: Path): ModelBundle =
    new ModelBundle(newFolder, manifest, processor, manifestFile)

  /** Bytes of all files but the manifest. */
  def size: Long = manifest.files.values.map(_.size).sum

  /** Checks every file again, within a minute by its time of change alone. What was whole when the bundle was opened may
    * have been damaged or swept away since.
    *
    * @throws BundleException
    *   when a file is missing or is not what it was
    */
  def requireUndamaged(): Unit =
    ModelBundle.reading(folder)(manifest.files.foreach { case (name, digest) =>
      ModelBundle.verify(folder, name, digest)
    })

  /** Every file of the bundle, the manifest (where there is one) included, relative to [[folder]]. */
  def fileNames: Seq[String] =
    manifest.files.keys.toSeq ++ manifestFile.map(_ => BundleManifest.FileName)
}

object ModelBundle {
  private val log = LoggerFactory.getLogger(classOf[ModelBundle])
  private val mapper = new ObjectMapper
  private[sparkvision] val ProcessorFile = "assets/preprocessor_config.json"
  private[sparkvision] val LabelsFile = "assets/labels.json"

  /** Opens and checks the bundle in `folder`. Reads every byte once (hashes), loads no model.
    *
    * A folder in Spark NLP's layout (`model.onnx`, `assets/labels.json`, `assets/preprocessor_config.json`) without a
    * manifest is accepted with a warning; nothing then protects it from damage.
    *
    * @throws BundleException
    *   when the bundle is missing, damaged, unsafe or contradicts itself
    * @throws ProcessorException
    *   when its preprocessing is one SparkVision does not support
    */
  def open(folder: Path): ModelBundle = {
    if (!Files.isDirectory(folder)) throw missing(s"There is no folder $folder.")
    reading(folder) {
      val manifestFile = Some(folder.resolve(BundleManifest.FileName)).filter(Files.exists(_))
      val declared = manifestFile match {
        case Some(file) => BundleManifest.parse(Files.readString(file, UTF_8), folder.toString)
        case None => derive(folder)
      }
      declared.files.foreach { case (name, digest) => verify(folder, name, digest) }
      val manifest = checkGraph(folder, declared)
      new ModelBundle(folder, manifest, processorConfig(folder, manifest), manifestFile.map(digest))
    }
  }

  private def reading[A](folder: Path)(work: => A): A =
    try work
    catch { case e: IOException => throw new BundleException(s"The bundle $folder cannot be read: $e.", e) }

  private def missing(problem: String) = new BundleException(
    s"$problem A model bundle is a folder with ${BundleManifest.GraphFile}, assets/ and ${BundleManifest.FileName}; " +
      "`sparkvision export CHECKPOINT FOLDER` makes one."
  )

  private def verify(folder: Path, name: String, expected: FileDigest): Unit = {
    val file = folder.resolve(name)
    if (!Files.isRegularFile(file)) throw missing(s"The bundle $folder lacks the file $name.")
    if (!file.toRealPath().startsWith(folder.toRealPath()))
      throw new BundleException(s"The bundle's file $file is a link to a place outside the bundle, which is refused.")
    val actual = digest(file)
    if (actual != expected)
      throw new BundleException(
        s"The bundle's file $file is damaged: sha256 ${actual.sha256} (${actual.size} bytes), but " +
          s"${BundleManifest.FileName} says ${expected.sha256} (${expected.size} bytes). Copy or export the bundle again."
      )
  }

  private[engine] def digest(file: Path): FileDigest = FileDigests.shared.of(file)

  /** The manifest, agreed with its graph, and with that of its texts. */
  private def checkGraph(folder: Path, manifest: BundleManifest): BundleManifest = {
    val agreed =
      ManifestAgreement.require(manifest, safeGraph(folder, manifest, BundleManifest.GraphFile), folder.toString)
    manifest.text.fold(agreed) { text =>
      BundleManifest.requirePartOfModel(text.graph, folder.toString)
      TextAgreement.require(agreed, text, safeGraph(folder, manifest, text.graph), folder.toString)
    }
  }

  private def safeGraph(folder: Path, manifest: BundleManifest, file: String): OnnxGraph = {
    val graph = OnnxGraph.read(folder.resolve(file))
    graph.externalData.foreach { name =>
      BundleManifest.requirePartOfModel(name, folder.toString)
      if (!manifest.files.contains(name))
        throw new BundleException(
          s"The graph in $folder keeps weights in '$name', which the bundle does not list. Export the model again."
        )
    }
    graph
  }

  private def processorConfig(folder: Path, manifest: BundleManifest): ProcessorConfig = {
    val file = folder.resolve(ProcessorFile)
    if (!manifest.files.contains(ProcessorFile) || !Files.exists(file))
      throw missing(s"The bundle $folder lacks $ProcessorFile.")
    ProcessorConfig.fromJson(readJson(file))
  }

  private def readJson(file: Path) =
    try mapper.readTree(Files.readAllBytes(file))
    catch {
      case e: JsonProcessingException =>
        throw new BundleException(
          s"The bundle's file $file is not JSON (${e.getOriginalMessage}). Export the model again."
        )
    }

  /** The manifest that a Spark NLP folder would have. */
  private def derive(folder: Path): BundleManifest = {
    val required = Seq(BundleManifest.GraphFile, LabelsFile, ProcessorFile)
    required.find(name => !Files.exists(folder.resolve(name))).foreach { name =>
      throw missing(s"The folder $folder has neither ${BundleManifest.FileName} nor $name.")
    }
    log.warn(
      s"The folder $folder has no ${BundleManifest.FileName}: its manifest is derived, its files are not protected by hashes"
    )
    val graph = OnnxGraph.read(folder.resolve(BundleManifest.GraphFile))
    graph.externalData.foreach(BundleManifest.requirePartOfModel(_, folder.toString))
    val files = SortedMap.from((required ++ graph.externalData).map { name =>
      if (!Files.isRegularFile(folder.resolve(name))) throw missing(s"The bundle $folder lacks the file $name.")
      name -> digest(folder.resolve(name))
    })
    BundleManifest(
      task = ModelTask.ImageClassification,
      architecture = "",
      inputs = graph.inputs,
      inputLayout = ChannelLayout.ChannelsFirst,
      outputs = graph.outputs,
      labels = labelsInIdOrder(folder),
      problemType = ProblemType.SingleLabel,
      precision = "fp32",
      tolerance = 1e-3,
      golden = None,
      files = files
    )
  }

  /** assets/labels.json is {label: id}, as Spark NLP writes it. */
  private def labelsInIdOrder(folder: Path): IndexedSeq[String] = {
    val byId = readJson(folder.resolve(LabelsFile)).fields.asScala.map(e => e.getValue.asInt -> e.getKey).toMap
    if (byId.isEmpty || byId.keys.min != 0 || byId.keys.max != byId.size - 1)
      throw new BundleException(
        s"$LabelsFile of $folder must give every label its own id, from 0 to one less than their number."
      )
    (0 until byId.size).map(byId)
  }
}

/** A model bundle that is missing, damaged, unsafe, or contradicts itself. */
final class BundleException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)
