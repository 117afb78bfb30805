package sparkvision.engine

import java.nio.file.Path

import sparkvision.engine.bundle.{BundleException, EmbeddedModels, ModelBundle, ModelTask, TensorInfo}
import sparkvision.engine.pipeline.{DetectionRuns, ImageClassifier, ModelSettings, UniformRuns}
import sparkvision.engine.postprocess.{Detection, EmbeddingsPostprocessor, Prediction, ScoredLabel}
import sparkvision.engine.runtime.{Cancellation, SessionConfig}
import sparkvision.engine.session.{ModelListener, ModelSession}
import sparkvision.image.ImageInput

/** A model on this machine: images in, predictions, embeddings or detections out. It is what runs inside Spark's executors, and
  * needs no Spark.
  *
  * The session opens at the first image that is run, and is shared with every other `LocalModel` of the same model.
  * Any number of threads may use one `LocalModel`.
  *
  * {{{
  * Using.resource(LocalModel.open("my-vit")) { model =>
  *   val bytes = Files.readAllBytes(Path.of("cat.jpg"))
  *   model.predict(Array(bytes), 3)                               // the three best labels of each image
  *   model.predictions(Iterator(bytes))(ImageInput.Encoded).next()   // (bytes, Right(Prediction(...)))
  * }
  * }}}
  *
  * The methods on arrays, for Java and for scripts, take encoded images and throw for the first that cannot be used; those
  * on iterators give each image's own result or reason.
  *
  * @param listener
  *   told what is done and how long it took
  * @param cancellation
  *   whether the results are still wanted: a run that is cancelled ends with a `CancellationException`
  * @throws ProcessorException
  *   when the settings make images that the model cannot take
  * @throws ParameterException
  *   when a batch of the settings' size has more bytes than a buffer can
  */
final class LocalModel(
    val bundle: ModelBundle,
    val settings: ModelSettings = ModelSettings(),
    listener: ModelListener = ModelListener.Silent,
    cancellation: Cancellation = Cancellation.Never
) extends EncodedImages
    with AutoCloseable {
  private val session = new ModelSession(bundle, settings, listener, cancellation)
  private lazy val runs = new UniformRuns(bundle, settings, session, listener)
  private lazy val classification = new ImageClassifier(bundle, settings, settings.topK)
  private lazy val embedding = new EmbeddingsPostprocessor(bundle.manifest, settings.pooling, settings.normalize)
  private lazy val detector = new DetectionRuns(bundle, settings, session, listener)
  private lazy val attentionRollout = bundle.manifest.outputs.find(LocalModel.isAttentionRollout).getOrElse {
    throw new BundleException(
      s"The bundle ${bundle.folder} gives no attentions. Export it with `sparkvision export --attentions`."
    )
  }

  // Here, so that the driver refuses what makes no sense, and not every task.
  bundle.manifest.task match {
    case ModelTask.ImageClassification => (runs, classification)
    case ModelTask.FeatureExtraction => (runs, embedding)
    case ModelTask.ZeroShotImageClassification =>
      (runs, if (settings.candidateLabels.isEmpty) embedding else classification)
    case ModelTask.ObjectDetection => detector
  }

  /** The shape of one image as the model is fed it: 3, height, width, or height, width, 3 where channels come last.
    *
    * @throws BundleException
    *   when the model detects objects: its images keep their aspect ratio
    */
  def inputShape: Seq[Int] = uniform.inputShape

  /** What the session is fed: the values of each image, of shape [[inputShape]], flattened. Opens no session. */
  def preprocessed[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    uniform.preprocessed(items)(image)

  /** Each item with its image's logits, or with the reason why there are none; in order, lazily. */
  def logits[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] = {
    val classifier = classification
    uniform.results(items, bundle.manifest.outputs.head, classifier.logits)(image)
  }

  /** Each item with its image's labels and scores, or with the reason why there are none; in order, lazily. */
  def predictions[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Prediction])] =
    uniform.results(items, bundle.manifest.outputs.head, classification.apply)(image)

  /** Numbers in an embedding. */
  def embeddingSize: Int = embedding.size

  /** Each item with its image's embedding, or with the reason why there is none; in order, lazily. */
  def embeddings[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    uniform.results(items, embedding.output, embedding.apply)(image)

  /** Each item with the objects in its image, best first, or with the reason why there are none; in order, lazily.
    *
    * @throws BundleException
    *   when the bundle is for another task
    */
  def detections[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Seq[Detection]])] =
    detector.results(items)(image)

  /** [[detections]] with another threshold and number of objects. */
  private[engine] def objects[A](items: Iterator[A], threshold: Double, topK: Option[Int])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[Detection]])] =
    detector.results(items, detector.postprocessorOf(threshold, topK))(image)

  /** [[predictions]] with another number of labels. */
  private[engine] def best[A](items: Iterator[A], topK: Int)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[ScoredLabel]])] = {
    val postprocess = new ImageClassifier(bundle, settings, Some(topK))
    uniform.results(items, bundle.manifest.outputs.head, postprocess(_).best)(image)
  }

  /** Rows and columns of patches of an attention rollout.
    *
    * @throws BundleException
    *   when the bundle was exported without `--attentions`
    */
  def attentionRolloutShape: Seq[Int] = attentionRollout.shape.drop(1).map(_.toInt)

  /** Each item with what its image's class token drew on, of shape [[attentionRolloutShape]], flattened; or with the
    * reason why there is none; in order, lazily.
    */
  def attentionRollouts[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    uniform.results(items, attentionRollout, identity[Array[Float]])(image)

  /** Gives the session back; it stays open for others. */
  override def close(): Unit = session.close()

  /** What runs images of one size. */
  private def uniform: UniformRuns = {
    if (bundle.manifest.task == ModelTask.ObjectDetection)
      throw new BundleException(
        s"The bundle ${bundle.folder} is for ${bundle.manifest.task.name}: its images have no one shape. Use detect."
      )
    runs
  }
}

object LocalModel {

  /** The model of a bundle, with the settings that suit a machine of its own: one run may use every core.
    *
    * @param uri
    *   a bundle's folder, or `embedded:NAME`, which is unpacked into a temporary folder, once a JVM
    * @throws BundleException
    *   when the bundle is missing, damaged, unsafe or contradicts itself
    */
  def open(uri: String): LocalModel = {
    val bundle = this.bundle(uri)
    val session = SessionConfig(intraOpThreads = cores)
    new LocalModel(bundle, ModelSettings(batchSize = bundle.manifest.task.batchSize, session = session))
  }

  /** The model of a bundle, with settings of the caller's. */
  def open(uri: String, settings: ModelSettings): LocalModel = new LocalModel(bundle(uri), settings)

  private[engine] def bundle(uri: String): ModelBundle =
    ModelBundle.open(if (EmbeddedModels.isEmbedded(uri)) EmbeddedModels.unpacked(uri) else Path.of(uri))

  private[engine] def cores: Int = Runtime.getRuntime.availableProcessors

  /** The graph's output that `sparkvision export --attentions` adds. */
  private val AttentionRollout = "attention_rollout"

  /** A bundle is checked for its first output; another of this name may be anything. */
  private def isAttentionRollout(output: TensorInfo): Boolean = output.name == AttentionRollout &&
    TensorInfo.Floats(output.elementType) && output.shape.size == 3 && output.shape.tail.forall(_ > 0)
}
