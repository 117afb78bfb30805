package sparkvision.engine.text

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{Cancellation, ExecutionProvider}
import sparkvision.engine.session.{ModelListener, ModelSession}

/** The text half of a CLIP on this machine: texts in, embeddings out.
  *
  * Tokenizer and session open at the first text; the session is shared with every other `TextEncoder` of the same model.
  * For one thread.
  *
  * {{{
  * Using.resource(new TextEncoder(ModelBundle.open(Path.of("my-clip")))) { encoder =>
  *   encoder.embed(IndexedSeq("a red car"))   // Vector(Array(0.12f, ...))
  * }
  * }}}
  *
  * @param settings
  *   `batchSize` texts a run, at most; `session` says how the text graph is run. oneDNN's kernels are made for texts of one
  *   length, so the CPU's own run in their place.
  * @param listener
  *   told what is done and how long it took
  * @param cancellation
  *   whether the embeddings are still wanted
  * @throws BundleException
  *   when the bundle has no text model
  */
final class TextEncoder(
    bundle: ModelBundle,
    settings: ModelSettings = ModelSettings(),
    listener: ModelListener = ModelListener.Silent,
    cancellation: Cancellation = Cancellation.Never
) extends AutoCloseable {
  import ModelListener.timed

  private val model = bundle.textModel
  private val session = new ModelSession(model, TextEncoder.runnable(settings), listener, cancellation)
  private var tokenizer = Option.empty[TextTokenizer]

  /** The texts' embeddings, in order. A text longer than the model reads is cut off, as its tokenizer says. */
  def embed(texts: IndexedSeq[String]): IndexedSeq[Array[Float]] = {
    session.occupyCore()
    texts.grouped(settings.batchSize).flatMap(run).toIndexedSeq
  }

  /** Each item with its text's embedding, or with the reason why there is none; in order, lazily.
    *
    * @param text
    *   an item's text, or why it has none
    */
  def embeddings[A](
      items: Iterator[A]
  )(text: A => Either[String, String]): Iterator[(A, Either[String, Array[Float]])] = {
    session.occupyCore()
    items.grouped(settings.batchSize).flatMap { batch =>
      val texts = batch.map(text)
      val usable = texts.collect { case Right(words) => words }.toIndexedSeq
      val results = if (usable.isEmpty) Iterator.empty else run(usable).iterator
      batch.zip(texts.map(_.map(_ => results.next())))
    }
  }

  private def run(texts: IndexedSeq[String]): IndexedSeq[Array[Float]] = {
    val tokens = openTokenizer()
    val (ids, shape) = timed(listener.preprocessed)(TextEncoder.padded(texts.map(tokens.ids)))
    val claim = session.claim()
    timed(listener.ran(texts.size, _)) {
      claim.run(ids, shape, model.manifest.outputs.head, settings.batchSize, cancellation)
    }
  }

  private def openTokenizer(): TextTokenizer = tokenizer.getOrElse {
    val opened = TextTokenizer.open(bundle)
    tokenizer = Some(opened)
    opened
  }

  /** Gives the session back; it stays open for others. */
  override def close(): Unit = {
    session.close()
    tokenizer.foreach(_.close())
    tokenizer = None
  }
}

private object TextEncoder {

  private def runnable(settings: ModelSettings): ModelSettings = settings.session.provider match {
    case ExecutionProvider.OneDnn => settings.copy(session = settings.session.copy(provider = ExecutionProvider.Cpu))
    case _ => settings
  }

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
