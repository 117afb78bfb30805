package sparkvision.engine

import scala.reflect.ClassTag

import sparkvision.engine.bundle.{BundleException, ModelBundle, ModelTask, TensorInfo}
import sparkvision.engine.pipeline._
import sparkvision.engine.postprocess.{Detection, EmbeddingsPostprocessor, Prediction, ScoredLabel}
import sparkvision.engine.runtime.{Cancellation, SessionConfig}
import sparkvision.engine.session.{ExecutorRuntime, ModelListener, TaskSession}
import sparkvision.image.{ImageException, ImageInput}

/** A model on this machine: images in, predictions, embeddings or detections out. Spark's executors use this class, which
  * does not need Spark.
  *
  * The session opens when the first image is run, and is shared with every other `LocalModel` of the same model. Any number
  * of threads may use one `LocalModel`.
  *
  * {{{
  * Using.resource(LocalModel.open("my-vit")) { model =>
  *   val bytes = Files.readAllBytes(Path.of("cat.jpg"))
  *   model.predict(Array(bytes), 3)                                  // the three best labels of each image
  *   model.predictions(Iterator(bytes))(ImageInput.Encoded).next()   // (bytes, Right(Prediction(...)))
  * }
  * }}}
  *
  * The methods on arrays, for Java and for scripts, take encoded images and throw for the first image that cannot be used.
  * The methods on iterators return the result, or the reason why there is none, of each image.
  *
  * @param settings
  *   how images are preprocessed and the model is run
  * @param listener
  *   receives what is done and how long it took
  * @param cancellation
  *   whether the results are still wanted: a run that is cancelled ends with a `CancellationException`
  * @param runtime
  *   owns the sessions and caches
  * @throws ProcessorException
  *   when preprocessing would not produce images that the model takes
  * @throws ParameterException
  *   when a setting is out of range, or contradicts the model
  */
final class LocalModel(
    val bundle: ModelBundle,
    val settings: ModelSettings = ModelSettings(),
    listener: ModelListener = ModelListener.Silent,
    cancellation: Cancellation = Cancellation.Never,
    runtime: ExecutorRuntime = ExecutorRuntime.ofThisProcess
) extends AutoCloseable {
  import LocalModel.all

  settings.validate(bundle)

  private val task = bundle.manifest.task
  private val logitsOutput = bundle.manifest.outputs.head
  private val session =
    new TaskSession(bundle, settings.sessionSettings, settings.batchSizeOf(task), runtime, listener, cancellation)
  private lazy val pipeline = new FixedSizePipeline(bundle, settings, session, listener)
  private lazy val detection = new DetectionPipeline(bundle, settings, session, listener)
  private lazy val classifier = new ImageClassifier(bundle, settings, settings.topK, runtime)
  private lazy val embedding = new EmbeddingsPostprocessor(bundle.manifest, settings.pooling, settings.normalize)
  private lazy val attentionRollout = bundle.manifest.outputs.find(LocalModel.isAttentionRollout).getOrElse {
    throw new BundleException(
      s"The bundle ${bundle.folder} has no attentions. Export it with `sparkvision export --attentions`."
    )
  }

  /** The shape of one image in the model's input: 3, height, width; or height, width, 3 if the channels come last.
    *
    * @throws BundleException
    *   when the model detects objects: its images keep their aspect ratio
    */
  def inputShape: Seq[Int] = fixedSize.inputShape

  /** The values that the model is given for each image, of shape [[inputShape]], flattened. Opens no session. */
  def preprocessed[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    fixedSize.preprocessed(items)(image)

  /** Each item with the logits of its image, or with the reason why there are none; in order, lazily. */
  def logits[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] = {
    val postprocess = classifier
    fixedSize.results(items, logitsOutput, postprocess.logits)(image)
  }

  /** Each item with the labels and scores of its image, or with the reason why there are none; in order, lazily. */
  def predictions[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Prediction])] =
    fixedSize.results(items, logitsOutput, classifier.apply)(image)

  /** [[predictions]] with another number of labels: None as in [[ModelSettings.topK]]. */
  private[engine] def best[A](items: Iterator[A], topK: Option[Int])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[ScoredLabel]])] = {
    val postprocess = if (topK == settings.topK) classifier else new ImageClassifier(bundle, settings, topK, runtime)
    fixedSize.results(items, logitsOutput, postprocess(_).best)(image)
  }

  /** Length of an embedding. */
  def embeddingSize: Int = embedding.size

  /** Each item with the embedding of its image, or with the reason why there is none; in order, lazily. */
  def embeddings[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    fixedSize.results(items, embedding.output, embedding.apply)(image)

  /** Each item with the objects in its image, best first, or with the reason why there are none; in order, lazily.
    *
    * @throws BundleException
    *   when the bundle is for another task
    */
  def detections[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Seq[Detection]])] =
    detection.results(items)(image)

  /** [[detections]] with another threshold and number of objects. */
  private[engine] def objects[A](items: Iterator[A], threshold: Double, topK: Option[Int])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[Detection]])] =
    detection.results(items, detection.postprocessorOf(threshold, topK))(image)

  /** Rows and columns of patches of an attention rollout.
    *
    * @throws BundleException
    *   when the bundle was exported without `--attentions`
    */
  def attentionRolloutShape: Seq[Int] = attentionRollout.shape.drop(1).map(_.toInt)

  /** Each item with the attention rollout of its image, of shape [[attentionRolloutShape]], flattened: the share of each patch
    * in the class token. Or with the reason why there is none; in order, lazily.
    */
  def attentionRollouts[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] =
    fixedSize.results(items, attentionRollout, identity[Array[Float]])(image)

  /** The values that the model is given for each encoded image.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def preprocess(images: Array[Array[Byte]]): Array[Array[Float]] =
    all(preprocessed(images.iterator)(ImageInput.Encoded))

  /** The logits of encoded images, one for each label.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def logits(images: Array[Array[Byte]]): Array[Array[Float]] = all(logits(images.iterator)(ImageInput.Encoded))

  /** The labels of encoded images, best first: as many as [[ModelSettings.topK]] specifies.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def predict(images: Array[Array[Byte]]): Array[Array[ScoredLabel]] = predict(images, settings.topK)

  /** The labels of encoded images, best first.
    *
    * @param topK
    *   labels of each image, at most; for a multi-label model the best among those at or above the threshold
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    * @throws ParameterException
    *   when topK is not positive
    */
  def predict(images: Array[Array[Byte]], topK: Int): Array[Array[ScoredLabel]] = predict(images, Some(topK))

  private def predict(images: Array[Array[Byte]], topK: Option[Int]): Array[Array[ScoredLabel]] =
    all(best(images.iterator, topK)(ImageInput.Encoded)).map(_.toArray)

  /** The embeddings of encoded images, `embeddingSize` numbers each.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def embed(images: Array[Array[Byte]]): Array[Array[Float]] = all(embeddings(images.iterator)(ImageInput.Encoded))

  /** The objects in encoded images, best first; for detection models.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def detect(images: Array[Array[Byte]]): Array[Array[Detection]] =
    all(detections(images.iterator)(ImageInput.Encoded)).map(_.toArray)

  /** Returns the session, which stays open for other models. */
  override def close(): Unit = session.close()

  private def fixedSize: FixedSizePipeline = {
    if (task == ModelTask.ObjectDetection)
      throw new BundleException(
        s"The bundle ${bundle.folder} is for ${task.name}: its images have no one shape. Use detect."
      )
    pipeline
  }
}

object LocalModel {

  /** The model of a bundle, with the default settings: one run may use every core.
    *
    * @param uri
    *   a bundle's folder, or `embedded:NAME`, which is unpacked into a temporary folder once per process
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the bundle is damaged, unsafe or contradicts itself
    */
  def open(uri: String): LocalModel = open(uri, defaults)

  /** The model of a bundle, with these settings. */
  def open(uri: String, settings: ModelSettings): LocalModel =
    new LocalModel(ExecutorRuntime.ofThisProcess.openBundle(uri), settings)

  /** The model of a bundle, with settings in JSON, for callers in Java and Python.
    *
    * {{{
    * LocalModel.openWith("my-vit", "{\"batchSize\": 16, \"topK\": 3, \"executionProvider\": \"cpu\"}");
    * }}}
    *
    * @param settings
    *   a JSON object with the names of a stage's Params: batchSize, topK, threshold, candidateLabels, hypothesisTemplate,
    *   pooling, normalize, decodeMode, maxImagePixels; executionProvider, deviceId, intraOpThreads, gpuMemLimit, cudaTf32,
    *   onednnFpMath; and the preprocessing Params, such as size and imageMean. Where intraOpThreads is missing or 0, one run
    *   may use every core.
    * @throws ParameterException
    *   when the object has an unknown key, or a value of the wrong type or out of range
    */
  def openWith(uri: String, settings: String): LocalModel = open(uri, ModelSettingsReader.read(settings, defaults))

  /** Settings for a process that runs nothing else. */
  private def defaults = ModelSettings(
    session = SessionConfig(intraOpThreads = Runtime.getRuntime.availableProcessors)
  )

  /** The output that `sparkvision export --attentions` adds to the graph. */
  private val AttentionRollout = "attention_rollout"

  /** Only the first output of a bundle has been checked; another output of this name may have any type and shape. */
  private def isAttentionRollout(output: TensorInfo): Boolean = output.name == AttentionRollout &&
    TensorInfo.Floats(output.elementType) && output.shape.size == 3 && output.shape.tail.forall(_ > 0)

  /** Every result, or an exception with the first reason why there is none. */
  private def all[R: ClassTag](results: Iterator[(Array[Byte], Either[String, R])]): Array[R] =
    results.zipWithIndex.map {
      case ((_, Right(result)), _) => result
      case ((_, Left(reason)), index) => throw new ImageException(s"image $index: $reason")
    }.toArray
}
