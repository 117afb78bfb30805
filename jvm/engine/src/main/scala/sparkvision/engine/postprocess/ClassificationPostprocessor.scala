package sparkvision.engine.postprocess

import scala.collection.mutable

import sparkvision.engine.bundle.{BundleException, ProblemType}
import sparkvision.image.ParameterException

/** A label with its class id and score. */
final case class ScoredLabel(id: Int, label: String, score: Double)

/** The prediction of a model for one image.
  *
  * @param scores
  *   one for each class: probabilities (softmax or sigmoid), or the raw values of a regression
  * @param best
  *   the labels to report, best first; the values of a regression in the order of their ids
  */
final case class Prediction(logits: Array[Float], scores: Array[Double], best: Seq[ScoredLabel])

/** Converts logits to scores and labels, in time linear in the number of classes.
  *
  * @param topK
  *   labels of each image, at most. None: the best label, and for a multi-label model all labels at or above the threshold.
  *   If it is set, a multi-label model returns the best labels among those at or above the threshold.
  * @param threshold
  *   for multi-label models: the lowest score that is reported
  */
final class ClassificationPostprocessor(
    labels: IndexedSeq[String],
    problemType: ProblemType,
    topK: Option[Int],
    threshold: Double
) {
  ClassificationPostprocessor.requireChoice(topK, threshold)

  /** Verifies the number of logits, which some graphs do not fix before they have run, and returns them.
    *
    * @throws BundleException
    *   when there is not one logit for each label
    */
  def requireOneALabel(logits: Array[Float]): Array[Float] = {
    if (logits.length != labels.size)
      throw new BundleException(
        s"The model returns ${logits.length} logits for each image, but its bundle has ${labels.size} labels. Export it again " +
          "with labels that match (`sparkvision export --labels FILE`)."
      )
    logits
  }

  /** @param logits
    *   the logits of one image, one for each label
    */
  def apply(logits: Array[Float]): Prediction = {
    requireOneALabel(logits)
    val scores = problemType match {
      case ProblemType.SingleLabel => ClassificationPostprocessor.softmax(logits)
      case ProblemType.MultiLabel => logits.map(logit => 1 / (1 + math.exp(-logit.toDouble)))
      case ProblemType.Regression => logits.map(_.toDouble)
    }
    Prediction(logits, scores, best(scores).map(id => ScoredLabel(id, labels(id), scores(id))))
  }

  private def best(scores: Array[Double]): Seq[Int] = problemType match {
    case ProblemType.SingleLabel =>
      ClassificationPostprocessor.largest(scores, topK.getOrElse(1), Double.NegativeInfinity)
    case ProblemType.MultiLabel => ClassificationPostprocessor.largest(scores, topK.getOrElse(scores.length), threshold)
    case ProblemType.Regression => scores.indices.take(topK.getOrElse(scores.length))
  }
}

private[engine] object ClassificationPostprocessor {

  /** @throws ParameterException
    *   when topK is not positive, or the threshold is not a probability
    */
  def requireChoice(topK: Option[Int], threshold: Double): Unit = {
    topK.filter(_ < 1).foreach(value => throw new ParameterException(s"topK must be at least 1, not $value."))
    if (!(threshold >= 0 && threshold <= 1))
      throw new ParameterException(s"threshold must be between 0 and 1, not $threshold.")
  }

  // The loops avoid Scala's collections, which box every number: an image may have 21,843 classes.
  def softmax(logits: Array[Float]): Array[Double] = {
    var largest = Float.NegativeInfinity
    for (i <- logits.indices) largest = math.max(largest, logits(i))
    val scores = new Array[Double](logits.length)
    var sum = 0.0
    for (i <- scores.indices) {
      scores(i) = math.exp(logits(i).toDouble - largest)
      sum += scores(i)
    }
    for (i <- scores.indices) scores(i) /= sum
    scores
  }

  /** The ids of the `count` largest scores that are at least `lowest`, best first. Of equal scores the lower id comes first,
    * as with argmax. A heap keeps the best scores so far, so that most scores need only one comparison.
    */
  def largest(scores: Array[Double], count: Int, lowest: Double): Seq[Int] = {
    val worstFirst = Ordering.by[Int, (Double, Int)](id => (-scores(id), id))(
      Ordering.Tuple2(Ordering.Double.TotalOrdering, Ordering.Int)
    )
    val kept = mutable.PriorityQueue.empty[Int](worstFirst)
    var worst = Double.NegativeInfinity
    for (id <- scores.indices)
      if (!(scores(id) < lowest) && (kept.size < count || scores(id) > worst)) {
        if (kept.size == count) { val _ = kept.dequeue() }
        kept += id
        worst = scores(kept.head)
      }
    kept.dequeueAll.reverse
  }
}
