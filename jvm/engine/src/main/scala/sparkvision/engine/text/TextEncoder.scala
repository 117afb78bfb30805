package sparkvision.engine.text

import java.nio.{ByteBuffer, ByteOrder}

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.runtime.{Batch, Cancellation, ExecutionProvider}
import sparkvision.engine.session._

/** The text half of a CLIP model on this machine: texts in, embeddings out.
  *
  * Tokenizer and session open at the first text; the session is shared with every other `TextEncoder` of the same model. A
  * `TextEncoder` must not be shared between threads.
  *
  * {{{
  * Using.resource(new TextEncoder(ModelBundle.open(Path.of("my-clip")))) { encoder =>
  *   encoder.embed(IndexedSeq("a red car"))   // Vector(Array(0.12f, ...))
  * }
  * }}}
  *
  * @param batchSize
  *   texts that the model is given at once, at most; None for the default of the task of the bundle
  * @param session
  *   how the text graph is run. oneDNN's kernels are made for texts of one length, so the CPU provider replaces oneDNN.
  * @param listener
  *   receives what is done and how long it took
  * @param cancellation
  *   whether the embeddings are still wanted
  * @throws BundleException
  *   when the bundle has no text model
  */
final class TextEncoder private[sparkvision] (
    bundle: ModelBundle,
    batchSize: Option[Int] = None,
    session: SessionSettings = SessionSettings(),
    listener: ModelListener = ModelListener.Silent,
    cancellation: Cancellation = Cancellation.Never,
    runtime: ExecutorRuntime
) extends AutoCloseable {
  import ModelListener.timed

  private val model = bundle.textModel
  private val textsAtOnce = batchSize.getOrElse(bundle.manifest.task.batchSize)
  private val task =
    new TaskSession(model, TextEncoder.runnable(session), textsAtOnce, runtime, listener, cancellation)
  private var tokenizer = Option.empty[TextTokenizer]

  /** The text half of the bundle with the default settings. */
  def this(bundle: ModelBundle) = this(bundle, runtime = ExecutorRuntime.ofThisProcess)

  /** The embeddings of the texts, in order. A text that is longer than the model reads is truncated, as its tokenizer
    * specifies.
    */
  def embed(texts: IndexedSeq[String]): IndexedSeq[Array[Float]] =
    embeddings(texts.iterator)(Right(_)).map { case (_, found) =>
      found.getOrElse(throw new IllegalStateException("a text without an embedding"))
    }.toIndexedSeq

  /** Each item with the embedding of its text, or with the reason why there is none; in order, lazily.
    *
    * @param text
    *   the text of an item, or the reason why it has none
    */
  def embeddings[A](
      items: Iterator[A]
  )(text: A => Either[String, String]): Iterator[(A, Either[String, Array[Float]])] = {
    task.occupyCore()
    new TextBatches().results(items)(text)
  }

  final private class TextBatches extends Batches[Either[String, String], Array[Float]](textsAtOnce) {
    private var texts = Vector.empty[String]

    override protected def add(inputs: IndexedSeq[Either[String, String]], before: Int): IndexedSeq[Option[String]] = {
      texts ++= inputs.flatMap(_.toOption)
      inputs.map(_.left.toOption)
    }

    override protected def run(count: Int): IndexedSeq[Array[Float]] = {
      val tokens = openTokenizer()
      val batch = timed(listener.preprocessed)(TextEncoder.padded(texts.map(tokens.ids)))
      texts = Vector.empty
      task.run(batch, Seq(model.manifest.outputs.head), mayJoin = true).map(_.head)
    }
  }

  private def openTokenizer(): TextTokenizer = tokenizer.getOrElse {
    val opened = TextTokenizer.open(bundle)
    tokenizer = Some(opened)
    opened
  }

  /** Returns the session, which stays open for other models. */
  override def close(): Unit = {
    task.close()
    tokenizer.foreach(_.close())
    tokenizer = None
  }
}

private[engine] object TextEncoder {

  private def runnable(session: SessionSettings): SessionSettings = session.config.provider match {
    case ExecutionProvider.OneDnn => session.copy(config = session.config.copy(provider = ExecutionProvider.Cpu))
    case _ => session
  }

  /** The token ids of the texts, each row padded to the longest.
    *
    * The padding has no effect: the tokens of a CLIP depend only on the tokens before them, and the embedding is
    * that of the first end token. 0 is a token of every vocabulary, and never the end token.
    */
  private def padded(ids: IndexedSeq[Array[Long]]): Batch = {
    val longest = ids.map(_.length).max
    val buffer = ByteBuffer
      .allocateDirect(ids.size * longest * java.lang.Float.BYTES)
      .order(ByteOrder.nativeOrder)
      .asFloatBuffer
    ids.zipWithIndex.foreach { case (row, text) =>
      row.indices.foreach(i => buffer.put(text * longest + i, row(i).toFloat))
    }
    Batch(buffer, Array(ids.size.toLong, longest.toLong))
  }
}
