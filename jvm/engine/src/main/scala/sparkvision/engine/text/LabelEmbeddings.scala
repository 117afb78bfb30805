package sparkvision.engine.text

import scala.util.Using

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.runtime.{InferenceSession, SessionConfig}
import sparkvision.engine.session.{ExecutorRuntime, SessionSettings}

/** The text embeddings of candidate labels. The embeddings of a set of labels are computed once in this process, regardless
  * of how many tasks need them.
  */
final private[engine] class LabelEmbeddings(runtime: ExecutorRuntime) {
  import LabelEmbeddings._

  private val computed = runtime.newCache[Key, IndexedSeq[Array[Float]]](limit = MostSets)

  /** An embedding for each label: from the bundle, if it was exported with these labels, else from its text encoder.
    *
    * @throws BundleException
    *   when the bundle's tokenizer or text encoder cannot be used
    */
  def of(bundle: ModelBundle, hypotheses: Hypotheses, session: SessionSettings): IndexedSeq[Array[Float]] =
    computed.get(Key(bundle.bundleHash, hypotheses, session.config)) {
      stored(bundle, hypotheses).getOrElse {
        Using.resource(new TextEncoder(bundle, session = session, runtime = runtime))(_.embed(hypotheses.sentences))
      }
    }

  private def stored(bundle: ModelBundle, hypotheses: Hypotheses): Option[IndexedSeq[Array[Float]]] = {
    val manifest = bundle.manifest
    for {
      text <- manifest.text
      file <- text.labelEmbeddings
      if hypotheses == Hypotheses(manifest.labels, text.hypothesisTemplate)
    } yield {
      val floats = InferenceSession.readFloats(bundle.folder.resolve(file))
      IndexedSeq.fill(manifest.labels.size) {
        val one = new Array[Float](text.output.shape.last.toInt)
        floats.get(one)
        one
      }
    }
  }
}

private[engine] object LabelEmbeddings {

  /** A thousand labels of 512 numbers take 2 MB. */
  private val MostSets = 64L

  final private case class Key(bundleHash: String, hypotheses: Hypotheses, config: SessionConfig)

  def of(runtime: ExecutorRuntime): LabelEmbeddings =
    runtime.part(classOf[LabelEmbeddings])(new LabelEmbeddings(runtime))
}
