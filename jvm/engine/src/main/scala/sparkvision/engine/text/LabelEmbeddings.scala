package sparkvision.engine.text

import java.util.{LinkedHashMap, Map => JavaMap}

import scala.util.Using

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{InferenceSession, SessionConfig}

/** The text embeddings of candidate labels: each set of labels is computed once in this JVM, however many tasks ask. */
private[engine] object LabelEmbeddings {

  /** A thousand labels of 512 numbers take 2 MB. */
  private val MostSets = 64

  private val computed = new LinkedHashMap[Key, Computed](MostSets, 0.75f, true) {
    override def removeEldestEntry(eldest: JavaMap.Entry[Key, Computed]): Boolean = size > MostSets
  }

  final private case class Key(bundleHash: String, hypotheses: Hypotheses, config: SessionConfig)

  // A failure is thrown to who asked, and the next one tries again.
  final private class Computed(compute: => IndexedSeq[Array[Float]]) {
    lazy val embeddings: IndexedSeq[Array[Float]] = compute
  }

  /** An embedding for each label: from the bundle, where it was exported with these labels, else by its text encoder.
    *
    * @throws BundleException
    *   when the bundle's tokenizer or text encoder cannot be used
    */
  def of(bundle: ModelBundle, hypotheses: Hypotheses, settings: ModelSettings): IndexedSeq[Array[Float]] = {
    val found = computed.synchronized {
      computed.computeIfAbsent(
        Key(bundle.bundleHash, hypotheses, settings.session),
        _ => new Computed(stored(bundle, hypotheses).getOrElse(encoded(bundle, hypotheses, settings)))
      )
    }
    found.embeddings
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

  private def encoded(bundle: ModelBundle, hypotheses: Hypotheses, settings: ModelSettings) =
    Using.resource(new TextEncoder(bundle, settings))(_.embed(hypotheses.sentences))
}
