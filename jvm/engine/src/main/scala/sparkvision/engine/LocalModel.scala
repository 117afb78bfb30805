package sparkvision.engine

import java.nio.FloatBuffer
import java.nio.file.Path

import scala.reflect.ClassTag

/** A model on this machine: pictures in, predictions or embeddings out. It is what runs inside Spark's executors, and
  * needs no Spark.
  *
  * The session opens at the first picture that is run, and is shared with every other `LocalModel` of the same model.
  * Any number of threads may use one `LocalModel`.
  *
  * {{{
  * Using.resource(LocalModel.open("my-vit")) { model =>
  *   val bytes = Files.readAllBytes(Path.of("cat.jpg"))
  *   model.predict(Array(bytes), 3)                               // the three best labels of each picture
  *   model.predictions(Iterator(bytes))(Picture.Encoded).next()   // (bytes, Right(Prediction(...)))
  * }
  * }}}
  *
  * The methods on arrays, for Java and for scripts, take encoded pictures and throw for the first that cannot be used; those
  * on iterators give each picture's own result or reason.
  *
  * @param listener
  *   told what is done and how long it took
  * @throws ProcessorException
  *   when the settings make pictures that the model cannot take
  * @throws ParameterException
  *   when a batch of the settings' size has more bytes than a buffer can
  */
final class LocalModel(
    val bundle: ModelBundle,
    val settings: ModelSettings = ModelSettings(),
    listener: ModelListener = ModelListener.Silent
) extends AutoCloseable {
  import LocalModel.{all, timed}

  private val preprocessor =
    new Preprocessor(bundle.processor.withOverrides(settings.processor), bundle.manifest.inputLayout)
  private lazy val classification = new PictureClassifier(bundle, settings, settings.topK)
  private lazy val embedding = new EmbeddingsPostprocessor(bundle.manifest, settings.pooling, settings.normalize)
  private lazy val attentionRollout = bundle.manifest.outputs.find(LocalModel.isAttentionRollout).getOrElse {
    throw new BundleException(
      s"The bundle ${bundle.folder} gives no attentions. Export it with `sparkvision export --attentions`."
    )
  }
  private var lease = Option.empty[SessionCache.Lease]
  private var ownCore = Option.empty[AutoCloseable]
  private var closed = false

  /** The shape of one picture as the model is fed it: 3, height, width, or height, width, 3 where channels come last. */
  val inputShape: Seq[Int] = LocalModel.inputShape(bundle.manifest, preprocessor)
  private val floatsPerPicture = inputShape.product

  // Here, so that the driver refuses what makes no sense, and not every task.
  Batcher.requireBatch(settings.batchSize, floatsPerPicture)
  bundle.manifest.task match {
    case ModelTask.ImageClassification => classification
    case ModelTask.FeatureExtraction => embedding
    case ModelTask.ZeroShotImageClassification => if (settings.candidateLabels.isEmpty) embedding else classification
  }

  /** What the session is fed: the values of each picture, of shape [[inputShape]], flattened. Opens no session. */
  def preprocessed[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Array[Float]])] = {
    requireOpen()
    val buffer = FloatBuffer.allocate(floatsPerPicture)
    items.map { item =>
      buffer.clear()
      val floats =
        try {
          prepare(picture(item), buffer)
          Right(buffer.array.clone())
        } catch { case e: ImageException => Left(e.reason) }
      item -> floats
    }
  }

  /** Each item with its picture's logits, or with the reason why there are none; in order, lazily. */
  def logits[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Array[Float]])] =
    run(items, bundle.manifest.outputs.head, classification.logits)(picture)

  /** Each item with its picture's labels and scores, or with the reason why there are none; in order, lazily. */
  def predictions[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Prediction])] =
    run(items, bundle.manifest.outputs.head, classification.apply)(picture)

  /** [[preprocessed]] of encoded pictures.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def preprocess(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(
    preprocessed(pictures.iterator)(Picture.Encoded)
  )

  /** The logits of encoded pictures, one for each label.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def logits(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(logits(pictures.iterator)(Picture.Encoded))

  /** The best labels of encoded pictures, best first.
    *
    * @param topK
    *   labels a picture, at most
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def predict(pictures: Array[Array[Byte]], topK: Int): Array[Array[ScoredLabel]] =
    all(best(pictures.iterator, topK)(Picture.Encoded)).map(_.toArray)

  /** The embeddings of encoded pictures, [[embeddingSize]] numbers each.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def embed(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(embeddings(pictures.iterator)(Picture.Encoded))

  /** Numbers in an embedding. */
  def embeddingSize: Int = embedding.size

  /** Each item with its picture's embedding, or with the reason why there is none; in order, lazily. */
  def embeddings[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Array[Float]])] =
    run(items, embedding.output, embedding.apply)(picture)

  /** [[predictions]] with another number of labels. */
  private[engine] def best[A](items: Iterator[A], topK: Int)(
      picture: A => Picture
  ): Iterator[(A, Either[String, Seq[ScoredLabel]])] = {
    val postprocess = new PictureClassifier(bundle, settings, Some(topK))
    run(items, bundle.manifest.outputs.head, postprocess(_).best)(picture)
  }

  /** Rows and columns of patches of an attention rollout.
    *
    * @throws BundleException
    *   when the bundle was exported without `--attentions`
    */
  def attentionRolloutShape: Seq[Int] = attentionRollout.shape.drop(1).map(_.toInt)

  /** Each item with what its picture's class token drew on, of shape [[attentionRolloutShape]], flattened; or with the
    * reason why there is none; in order, lazily.
    */
  def attentionRollouts[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Array[Float]])] =
    run(items, attentionRollout, identity[Array[Float]])(picture)

  /** Gives the session back; it stays open for others. */
  override def close(): Unit = synchronized {
    closed = true
    (lease ++ ownCore).foreach(_.close())
    lease = None
    ownCore = None
  }

  private def run[A, R](items: Iterator[A], output: TensorInfo, postprocess: Array[Float] => R)(
      picture: A => Picture
  ): Iterator[(A, Either[String, R])] = {
    occupyCore()
    new Batcher[R](
      settings.batchSize,
      floatsPerPicture,
      prepare,
      (batch, pictures) => {
        val claim = openSession()
        val outputs = timed(listener.ran(pictures, _))(runAll(claim, batch, pictures, output))
        timed(listener.postprocessed)(outputs.map(postprocess))
      },
      onSpareCores
    ).results(items)(picture)
  }

  private def occupyCore(): Unit = synchronized {
    requireOpen()
    if (ownCore.isEmpty) ownCore = Some(SpareCores.shared.occupy())
  }

  /** On the CPU a batch is run in pieces: see [[CpuRuns]]. */
  private def runAll(
      claim: SessionCache.Lease,
      batch: FloatBuffer,
      pictures: Int,
      output: TensorInfo
  ): IndexedSeq[Array[Float]] = {
    def run(from: Int, count: Int) = {
      val shape = (count +: inputShape).map(_.toLong).toArray
      claim.run(batch.slice(from * floatsPerPicture, count * floatsPerPicture), shape, output, settings.batchSize)
    }
    if (claim.session.provider == ExecutionProvider.Cpu) {
      val runs = CpuRuns.of(pictures, floatsPerPicture, settings.session.intraOpThreads)
      onSpareCores(runs.map { case (from, count) => () => run(from, count) }).flatten
    } else run(0, pictures)
  }

  private object onSpareCores extends Batcher.InParallel {
    override def apply[P](pieces: IndexedSeq[() => P]): IndexedSeq[P] =
      SpareCores.shared.inParallel(settings.cores, pieces)
  }

  private def prepare(picture: Picture, target: FloatBuffer): Unit = {
    val pixels = picture match {
      case Picture.Encoded(bytes) => timed(listener.decoded)(decode(bytes))
      case Picture.Decoded(decoded) => decoded
      case Picture.Unusable(reason) => throw new ImageException(reason)
    }
    timed(listener.preprocessed) {
      PictureMemory.refusing(pixels.width, pixels.height)(preprocessor.process(pixels, target))
    }
  }

  private def decode(bytes: Array[Byte]): Pixels = settings.decodeMode match {
    case DecodeMode.Exact => ImageDecoder.decode(bytes, settings.maxImagePixels)
    case DecodeMode.Fast => ImageDecoder.draft(bytes, settings.maxImagePixels)(preprocessor.target)
  }

  private def requireOpen(): Unit = synchronized {
    if (closed) throw new ParameterException("This model is closed; open it again.")
  }

  private def openSession(): SessionCache.Lease = synchronized {
    requireOpen()
    lease.getOrElse {
      var opened = false
      val acquired =
        SessionCache.shared.acquire(bundle, settings.session, settings.sessionIdle, () => opened = true)
      listener.sessionTaken(acquired.session.provider, opened)
      lease = Some(acquired)
      acquired
    }
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
  def open(uri: String): LocalModel = open(uri, ModelSettings(session = SessionConfig(intraOpThreads = cores)))

  /** The model of a bundle, with settings of the caller's. */
  def open(uri: String, settings: ModelSettings): LocalModel = {
    val folder = if (EmbeddedModels.isEmbedded(uri)) EmbeddedModels.unpacked(uri) else Path.of(uri)
    new LocalModel(ModelBundle.open(folder), settings)
  }

  private[engine] def cores: Int = Runtime.getRuntime.availableProcessors

  /** Every result, or the first reason why there is none. */
  private def all[R: ClassTag](results: Iterator[(Array[Byte], Either[String, R])]): Array[R] =
    results.zipWithIndex.map {
      case ((_, Right(result)), _) => result
      case ((_, Left(reason)), index) => throw new ImageException(s"picture $index: $reason")
    }.toArray

  /** The graph's output that `sparkvision export --attentions` adds. */
  private val AttentionRollout = "attention_rollout"

  /** A bundle is checked for its first output; another of this name may be anything. */
  private def isAttentionRollout(output: TensorInfo): Boolean = output.name == AttentionRollout &&
    TensorInfo.Floats(output.elementType) && output.shape.size == 3 && output.shape.tail.forall(_ > 0)

  private def timed[R](report: Long => Unit)(step: => R): R = {
    val start = System.nanoTime
    val result = step
    report(System.nanoTime - start)
    result
  }

  /** The shape that preprocessing makes and the graph takes; they must agree. */
  private def inputShape(manifest: BundleManifest, preprocessor: Preprocessor): Seq[Int] = {
    val (height, width) = (preprocessor.height, preprocessor.width)
    val (shape, axes) = manifest.inputLayout match {
      case ChannelLayout.ChannelsFirst => (Seq(3, height, width), "channels, height, width")
      case ChannelLayout.ChannelsLast => (Seq(height, width, 3), "height, width, channels")
    }
    val graph = manifest.inputs.head.shape.drop(1)
    val fits = graph.zip(shape).forall { case (fixed, made) => fixed == -1 || fixed == made }
    if (!fits)
      throw new ProcessorException(
        s"Preprocessing makes pictures of ${shape.mkString(" x ")} ($axes), but the graph takes " +
          s"${graph.mkString(" x ")}. Leave size, height and width unset to use the bundle's own."
      )
    shape
  }
}
