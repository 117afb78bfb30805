package sparkvision.engine

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.concurrent.duration._

/** The text half of a CLIP on this machine: texts in, embeddings out.
  *
  * Tokenizer and session open at the first text; the session is shared with every other `TextEncoder` of the same model.
  * For one thread.
  *
  * {{{
  * Using.resource(new TextEncoder(ModelBundle.open(Path.of("my-clip")))) { encoder =>
  *   encoder.embeddings(Iterator("a red car"))(Right(_)).next()   // ("a red car", Right(Array(0.12f, ...)))
  * }
  * }}}
  *
  * @param config
  *   how the text graph is run. oneDNN's kernels are made for texts of one length, so the CPU's own run in their place.
  * @param batchSize
  *   texts a run, at most
  * @param sessionIdle
  *   how long the session stays open after [[close]]
  * @throws BundleException
  *   when the bundle has no text model
  */
final class TextEncoder(
    bundle: ModelBundle,
    config: SessionConfig = SessionConfig(),
    batchSize: Int = 8,
    sessionIdle: FiniteDuration = 5.minutes,
    listener: ModelListener = ModelListener.Silent
) extends AutoCloseable {
  private val textModel = bundle.textModel
  private val output = textModel.manifest.outputs.head
  private var tokenizer = Option.empty[TextTokenizer]
  private var lease = Option.empty[SessionCache.Lease]

  /** Numbers in an embedding. */
  def size: Int = output.shape.last.toInt

  /** Each item with its text's embedding, or with the reason why there is none; in order, lazily. A text longer than the
    * model reads is cut off, as its tokenizer says.
    *
    * @param text
    *   an item's text, or why it has none
    */
  def embeddings[A](
      items: Iterator[A]
  )(text: A => Either[String, String]): Iterator[(A, Either[String, Array[Float]])] =
    items.grouped(batchSize).flatMap { batch =>
      val texts = batch.map(text)
      val usable = texts.collect { case Right(words) => words }.toIndexedSeq
      val results = if (usable.isEmpty) Iterator.empty else run(usable).iterator
      batch.zip(texts.map(_.map(_ => results.next())))
    }

  private def run(texts: IndexedSeq[String]): IndexedSeq[Array[Float]] = {
    val tokens = openTokenizer()
    val start = System.nanoTime
    val ids = texts.map(tokens.ids)
    val (buffer, shape) = TextEncoder.padded(ids)
    listener.preprocessed(System.nanoTime - start)
    val claim = openSession()
    val ran = System.nanoTime
    val found = claim.run(buffer, shape, output, batchSize)
    listener.ran(texts.size, System.nanoTime - ran)
    found
  }

  private def openTokenizer(): TextTokenizer = tokenizer.getOrElse {
    val opened = TextTokenizer.open(bundle)
    tokenizer = Some(opened)
    opened
  }

  private def openSession(): SessionCache.Lease = lease.getOrElse {
    val provider = if (config.provider == ExecutionProvider.OneDnn) ExecutionProvider.Cpu else config.provider
    var isNew = false
    val acquired =
      SessionCache.shared.acquire(textModel, config.copy(provider = provider), sessionIdle, () => isNew = true)
    listener.sessionTaken(acquired.session.provider, isNew)
    lease = Some(acquired)
    acquired
  }

  /** Gives the session back; it stays open for others. */
  override def close(): Unit = {
    (lease ++ tokenizer).foreach(_.close())
    lease = None
    tokenizer = None
  }
}

private object TextEncoder {

  /** The texts' tokens, each row as long as the longest.
    *
    * What stands behind a text's end is of no matter: CLIP's tokens see only those before them, and the first end token
    * gives the embedding. 0 is a token of every vocabulary, and no end token.
    */
  def padded(ids: IndexedSeq[Array[Long]]): (FloatBuffer, Array[Long]) = {
    val longest = ids.map(_.length).max
    val buffer = ByteBuffer
      .allocateDirect(ids.size * longest * java.lang.Float.BYTES)
      .order(ByteOrder.nativeOrder)
      .asFloatBuffer
    ids.zipWithIndex.foreach { case (row, text) =>
      row.indices.foreach(i => buffer.put(text * longest + i, row(i).toFloat))
    }
    (buffer, Array(ids.size.toLong, longest.toLong))
  }
}
