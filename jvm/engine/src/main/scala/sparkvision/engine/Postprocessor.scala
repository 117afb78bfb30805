package sparkvision.engine

import scala.collection.mutable

/** A label with its class id and score. */
final case class ScoredLabel(id: Int, label: String, score: Double)

/** What a model says of one picture.
  *
  * @param scores
  *   one a class: probabilities (softmax or sigmoid), or the raw values of a regression
  * @param best
  *   the labels to report, best first
  */
final case class Prediction(logits: Array[Float], scores: Array[Double], best: Seq[ScoredLabel])

/** Turns logits into scores and labels.
  *
  * @param topK
  *   labels a picture, at most
  * @param threshold
  *   for multi-label models: the lowest score that is reported
  */
final class Postprocessor(labels: IndexedSeq[String], problemType: ProblemType, topK: Int, threshold: Double) {
  if (topK < 1) throw new ParameterException(s"topK must be at least 1, not $topK.")

  /** The logits, when there is one for each label: a graph may leave the number of classes open until it has run.
    *
    * @throws BundleException
    *   when there is not
    */
  def requireOneALabel(logits: Array[Float]): Array[Float] = {
    if (logits.length != labels.size)
      throw new BundleException(
        s"The model gives ${logits.length} logits a picture, but its bundle has ${labels.size} labels. Export it again " +
          "with labels that match (`sparkvision export --labels FILE`)."
      )
    logits
  }

  /** @param logits
    *   one picture's, one for each label
    */
  def apply(logits: Array[Float]): Prediction = {
    requireOneALabel(logits)
    val scores = problemType match {
      case ProblemType.SingleLabel => softmax(logits)
      case ProblemType.MultiLabel => logits.map(x => 1 / (1 + math.exp(-x.toDouble)))
      case ProblemType.Regression => logits.map(_.toDouble)
    }
    Prediction(logits, scores, best(scores))
  }

  private def softmax(logits: Array[Float]): Array[Double] = {
    val largest = logits.max.toDouble
    val exponentials = logits.map(x => math.exp(x - largest))
    val sum = exponentials.sum
    exponentials.map(_ / sum)
  }

  private def best(scores: Array[Double]): Seq[ScoredLabel] = {
    val enough = problemType match {
      case ProblemType.MultiLabel => (id: Int) => scores(id) >= threshold
      case _ => (_: Int) => true
    }
    largest(scores, enough).map(id => ScoredLabel(id, labels(id), scores(id)))
  }

  /** The ids of the topK largest scores, best first, the lower id first among equals (as argmax). Linear in the number
    * of classes: a heap of topK keeps the best seen so far.
    */
  private def largest(scores: Array[Double], enough: Int => Boolean): Seq[Int] = {
    val worstFirst = Ordering.by[Int, (Double, Int)](id => (-scores(id), id))(
      Ordering.Tuple2(Ordering.Double.TotalOrdering, Ordering.Int)
    )
    val kept = mutable.PriorityQueue.empty[Int](worstFirst)
    scores.indices.foreach { id =>
      if (enough(id)) {
        if (kept.size < topK) kept += id
        else if (scores(id) > scores(kept.head)) {
          kept.dequeue()
          kept += id
        }
      }
    }
    kept.dequeueAll.reverse
  }
}
