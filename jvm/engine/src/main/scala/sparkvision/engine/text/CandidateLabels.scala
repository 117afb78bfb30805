package sparkvision.engine.text

import sparkvision.engine.bundle.BundleManifest
import sparkvision.image.ParameterException

/** The labels from which a zero-shot model chooses.
  *
  * @param labels
  *   what an image may show; None for the labels that the bundle was exported with
  * @param hypothesisTemplate
  *   the sentence in which each label replaces `{}`; None for the template of the bundle
  */
final case class CandidateLabels(labels: Option[Seq[String]] = None, hypothesisTemplate: Option[String] = None) {

  /** These labels and this template, with those of the bundle where they are unset.
    *
    * @throws ParameterException
    *   when there are no labels, or the template has no placeholder for them
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

/** The sentences with which a zero-shot model compares an image, one for each label.
  *
  * @throws ParameterException
  *   when the template does not have exactly one placeholder for a label
  */
final case class Hypotheses(labels: IndexedSeq[String], template: String) {
  import Hypotheses.Placeholder

  private val place = template.indexOf(Placeholder)

  // transformers uses Python's str.format, in which any other brace has another meaning or is an error.
  if (place < 0 || (template.take(place) + template.drop(place + Placeholder.length)).exists("{}".contains(_)))
    throw new ParameterException(
      s"hypothesisTemplate is '$template', but it must have $Placeholder once, where the label goes, and no other brace: " +
        s"'${Hypotheses.DefaultTemplate}'."
    )

  def sentences: IndexedSeq[String] =
    labels.map(label => template.take(place) + label + template.drop(place + Placeholder.length))
}

object Hypotheses {
  private val Placeholder = "{}"

  /** The template of transformers' pipeline. */
  val DefaultTemplate: String = s"This is a photo of $Placeholder."
}
