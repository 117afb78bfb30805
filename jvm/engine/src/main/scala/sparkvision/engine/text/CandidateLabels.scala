package sparkvision.engine.text

import sparkvision.engine.bundle.BundleManifest
import sparkvision.image.ParameterException

/** The labels that a zero-shot model is to choose among.
  *
  * @param labels
  *   what an image may show; None: the labels that the bundle was exported with
  * @param hypothesisTemplate
  *   the sentence that each label is put into, in the place of `{}`; None: the bundle's
  */
final case class CandidateLabels(labels: Option[Seq[String]] = None, hypothesisTemplate: Option[String] = None) {

  /** These labels, where nothing else is said the bundle's.
    *
    * @throws ParameterException
    *   when there are no labels, or the template has no place for them
    */
  def in(manifest: BundleManifest): Hypotheses = {
    val chosen = labels.fold(manifest.labels)(_.toIndexedSeq)
    if (chosen.isEmpty)
      throw new ParameterException(
        "There are no labels to choose among: setCandidateLabels([\"a cat\", \"a dog\"]), or export the checkpoint with " +
          "`sparkvision export --candidate-labels FILE`."
      )
    val template = hypothesisTemplate
      .orElse(manifest.text.map(_.hypothesisTemplate))
      .getOrElse(Hypotheses.DefaultTemplate)
    Hypotheses(chosen, template)
  }
}

/** What a zero-shot model compares an image with: a sentence for each label.
  *
  * @throws ParameterException
  *   when the template is not one sentence with one place for a label
  */
final case class Hypotheses(labels: IndexedSeq[String], template: String) {
  import Hypotheses.Place

  private val place = template.indexOf(Place)

  // transformers formats with Python's str.format, where any other brace means something else or is an error.
  if (place < 0 || (template.take(place) + template.drop(place + Place.length)).exists("{}".contains(_)))
    throw new ParameterException(
      s"hypothesisTemplate is '$template', but it must have $Place once, where the label goes, and no other brace: " +
        s"'${Hypotheses.DefaultTemplate}'."
    )

  def sentences: IndexedSeq[String] =
    labels.map(label => template.take(place) + label + template.drop(place + Place.length))
}

object Hypotheses {
  private val Place = "{}"

  /** That of transformers' pipeline. */
  val DefaultTemplate: String = s"This is a photo of $Place."
}
