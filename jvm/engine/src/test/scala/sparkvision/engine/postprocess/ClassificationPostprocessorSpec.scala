package sparkvision.engine.postprocess

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, ProblemType}
import sparkvision.image.ParameterException

class ClassificationPostprocessorSpec extends AnyFunSuite {
  private val labels = IndexedSeq("cat", "dog", "owl", "fish")

  private def postprocessor(
      problemType: ProblemType = ProblemType.SingleLabel,
      topK: Option[Int] = None,
      threshold: Double = 0.5
  ): ClassificationPostprocessor = new ClassificationPostprocessor(labels, problemType, topK, threshold)

  test("single-label scores are the softmax of the logits") {
    val scores = postprocessor()(Array(1f, 2f, 3f, 4f)).scores
    // exp(i) / (exp(1) + exp(2) + exp(3) + exp(4))
    Seq(0.0320586, 0.0871443, 0.2368828, 0.6439142).zip(scores).foreach { case (expected, score) =>
      assert(math.abs(expected - score) < 1e-7)
    }
  }

  test("softmax of large logits does not overflow") {
    assert(postprocessor()(Array(1000f, 999f, 0f, 0f)).scores.forall(score => score >= 0 && score <= 1))
  }

  test("topK labels come best first") {
    assert(postprocessor(topK = Some(3))(Array(1f, 4f, 2f, 3f)).best.map(_.label) == Seq("dog", "fish", "owl"))
  }

  test("the lower id comes first among equal scores, as in argmax") {
    assert(postprocessor(topK = Some(2))(Array(1f, 3f, 3f, 3f)).best.map(_.id) == Seq(1, 2))
  }

  test("topK beyond the number of labels gives every label once") {
    assert(postprocessor(topK = Some(100))(Array(1f, 4f, 2f, 3f)).best.map(_.id) == Seq(1, 3, 2, 0))
  }

  test("a single-label model reports the best label unless topK says more") {
    assert(postprocessor()(Array(1f, 4f, 2f, 3f)).best.map(_.label) == Seq("dog"))
  }

  test("multi-label reports all labels at or above the threshold, best first") {
    val best = postprocessor(ProblemType.MultiLabel)(Array(0f, 3f, -1f, 1f)).best
    assert(best.map(_.label) == Seq("dog", "fish", "cat"))
    assert(best.last.score == 0.5)
  }

  test("multi-label reports topK labels at most") {
    val best = postprocessor(ProblemType.MultiLabel, topK = Some(2))(Array(0f, 3f, -1f, 1f)).best
    assert(best.map(_.label) == Seq("dog", "fish"))
  }

  test("multi-label reports nothing when no label reaches the threshold") {
    assert(postprocessor(ProblemType.MultiLabel, threshold = 0.99)(Array(0f, 3f, -1f, 1f)).best.isEmpty)
  }

  test("a regression gives the raw values in the order of the outputs") {
    val prediction = postprocessor(ProblemType.Regression)(Array(1.5f, 7f, 0f, -2f))
    assert(prediction.scores.toSeq == Seq(1.5, 7, 0, -2))
    assert(prediction.best.map(_.label) == labels)
  }

  test("logits that do not match the labels are refused") {
    assert(intercept[BundleException](postprocessor()(Array(1f))).getMessage.contains("1 logits"))
  }

  test("topK of 0 is refused") {
    assert(intercept[ParameterException](postprocessor(topK = Some(0))).getMessage.contains("topK"))
  }

  test("a threshold that is no probability is refused") {
    Seq(Double.NaN, -0.1, 1.1).foreach { value =>
      val refused = intercept[ParameterException](postprocessor(ProblemType.MultiLabel, threshold = value))
      assert(refused.getMessage.contains(s"threshold must be between 0 and 1, not $value"))
    }
  }
}
