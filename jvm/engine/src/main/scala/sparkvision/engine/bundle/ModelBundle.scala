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
import sparkvision.image.{ParameterException, SparkVisionException}

/** An exported model in a local folder, checked: every file has the hash that the manifest records, the graph has the
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
    manifestFile: Option[FileDigest],
    digests: FileDigests
) {

  /** Hash of the whole bundle, manifest included: graph, labels, preprocessing, golden pair. A stage identifies its model
    * by this hash.
    */
  val bundleHash: String = BundleManifest.digest(manifest.files ++ manifestFile.map(BundleManifest.FileName -> _))

  def graph: Path = folder.resolve(manifest.graphFile)

  /** The text half of a zero-shot model as a model of its own, which sessions can run.
    *
    * @throws BundleException
    *   when the model has no text half
    */
  def textModel: ModelBundle = {
    val text = requireText
    val half = manifest.copy(
      inputs = Seq(text.input),
      outputs = Seq(text.output),
      golden = Some(text.golden),
      graphFile = text.graph
    )
    new ModelBundle(folder, half, processor, manifestFile, digests)
  }

  private[engine] def requireText: TextModel = manifest.text.getOrElse {
    throw new BundleException(
      s"The bundle $folder has no text model. Export a CLIP with `sparkvision export --task " +
        s"${ModelTask.ZeroShotImageClassification.name}`."
    )
  }

  /** The same bundle after its folder was renamed. */
  private[sparkvision] def movedTo(newFolder: Path): ModelBundle =
    new ModelBundle(newFolder, manifest, processor, manifestFile, digests)

  /** Bytes of all files except the manifest. */
  def size: Long = manifest.files.values.map(_.size).sum

  /** Verifies every file again, because a file may have been damaged or deleted since the bundle was opened. Within a minute
    * of the last verification, only sizes and modification times are compared.
    *
    * @throws BundleException
    *   when a file is missing or has changed
    */
  def requireUndamaged(): Unit =
    ModelBundle.reading(folder)(manifest.files.foreach { case (name, digest) =>
      ModelBundle.verify(folder, name, digest, digests)
    })

  /** Every file of the bundle, including the manifest if there is one, relative to [[folder]]. */
  def fileNames: Seq[String] =
    manifest.files.keys.toSeq ++ manifestFile.map(_ => BundleManifest.FileName)
}

object ModelBundle {
  private val log = LoggerFactory.getLogger(classOf[ModelBundle])
  private val mapper = new ObjectMapper
  private[sparkvision] val ProcessorFile = "assets/preprocessor_config.json"
  private[sparkvision] val LabelsFile = "assets/labels.json"

  /** Opens and checks the bundle in `folder`. This reads every byte once to compute hashes, and loads no model.
    *
    * A folder in Spark NLP's layout (`model.onnx`, `assets/labels.json`, `assets/preprocessor_config.json`) without a
    * manifest is accepted with a warning; damage to it cannot be detected.
    *
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the bundle is damaged, unsafe or contradicts itself
    * @throws ProcessorException
    *   when SparkVision does not support its preprocessing
    */
  def open(folder: Path): ModelBundle = open(folder, new FileDigests)

  /** Opens a bundle with the digests that this process has computed recently. */
  private[sparkvision] def open(folder: Path, digests: FileDigests): ModelBundle = {
    if (!Files.exists(folder)) throw new ParameterException(missing(s"There is no folder $folder."))
    if (!Files.isDirectory(folder)) throw new BundleException(missing(s"$folder is not a folder."))
    reading(folder) {
      val manifestFile = Some(folder.resolve(BundleManifest.FileName)).filter(Files.exists(_))
      val declared = manifestFile match {
        case Some(file) => BundleManifest.parse(Files.readString(file, UTF_8), folder.toString)
        case None => derive(folder, digests)
      }
      declared.files.foreach { case (name, digest) => verify(folder, name, digest, digests) }
      val manifest = checkGraph(folder, declared)
      new ModelBundle(folder, manifest, processorConfig(folder, manifest), manifestFile.map(digests.of), digests)
    }
  }

  private def reading[A](folder: Path)(work: => A): A =
    try work
    catch { case e: IOException => throw new BundleException(s"The bundle $folder cannot be read: $e.", e) }

  private def missing(problem: String): String =
    s"$problem A model bundle is a folder with ${BundleManifest.GraphFile}, assets/ and ${BundleManifest.FileName}; " +
      "`sparkvision export CHECKPOINT FOLDER` makes one."

  private def verify(folder: Path, name: String, expected: FileDigest, digests: FileDigests): Unit = {
    val file = folder.resolve(name)
    if (!Files.isRegularFile(file)) throw new BundleException(missing(s"The bundle $folder lacks the file $name."))
    if (!file.toRealPath().startsWith(folder.toRealPath()))
      throw new BundleException(s"The bundle's file $file is a link to a place outside the bundle, which is refused.")
    val actual = digests.of(file)
    if (actual != expected)
      throw new BundleException(
        s"The bundle's file $file is damaged: sha256 ${actual.sha256} (${actual.size} bytes), but " +
          s"${BundleManifest.FileName} says ${expected.sha256} (${expected.size} bytes). Copy or export the bundle again."
      )
  }

  /** The manifest after its comparison with the graph, and with the graph of its text model. */
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
      throw new BundleException(missing(s"The bundle $folder lacks $ProcessorFile."))
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

  /** The manifest that a folder in Spark NLP's layout would have. */
  private def derive(folder: Path, digests: FileDigests): BundleManifest = {
    val required = Seq(BundleManifest.GraphFile, LabelsFile, ProcessorFile)
    required.find(name => !Files.exists(folder.resolve(name))).foreach { name =>
      throw new BundleException(missing(s"The folder $folder has neither ${BundleManifest.FileName} nor $name."))
    }
    log.warn(
      s"The folder $folder has no ${BundleManifest.FileName}: its manifest is derived, its files are not protected by hashes"
    )
    val graph = OnnxGraph.read(folder.resolve(BundleManifest.GraphFile))
    graph.externalData.foreach(BundleManifest.requirePartOfModel(_, folder.toString))
    val files = SortedMap.from((required ++ graph.externalData).map { name =>
      if (!Files.isRegularFile(folder.resolve(name)))
        throw new BundleException(missing(s"The bundle $folder lacks the file $name."))
      name -> digests.of(folder.resolve(name))
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

/** A model name that is not known, or a model bundle that is incomplete, damaged, unsafe, or contradicts itself. */
final class BundleException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)
