package sparkvision.engine.postprocess

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.BundleException
import sparkvision.image.{Box, PixelSize}

class DetectionPostprocessorSpec extends AnyFunSuite {
  private val labels = Vector("cat", "dog")
  private val image = PixelSize(height = 100, width = 200)

  /** Logits whose softmax is these probabilities, the last of "no object". */
  private def logits(queries: Seq[Double]*): Array[Float] = queries.flatten.map(p => math.log(p).toFloat).toArray

  // Centre in the middle, a quarter as wide and half as high as the image.
  private def boxes(count: Int): Array[Float] = Array.fill(count)(Seq(0.5f, 0.5f, 0.25f, 0.5f)).flatten

  private val three = logits(Seq(0.6, 0.1, 0.3), Seq(0.2, 0.7, 0.1), Seq(0.05, 0.05, 0.9))

  private def found(threshold: Double, topK: Option[Int] = None): Seq[Detection] =
    new DetectionPostprocessor(labels, threshold, topK)(three, boxes(3), image)

  test("the best label of each query is reported, best first, and never \"no object\"") {
    assert(found(0.01).map(_.label) == Seq("dog", "cat", "cat"))
    assert(found(0.01).map(d => math.round(d.score * 100)) == Seq(70, 60, 5))
  }

  test("only scores above the threshold are reported, and at most topK") {
    assert(found(0.5).map(_.label) == Seq("dog", "cat"))
    assert(found(0.5, Some(1)).map(_.label) == Seq("dog"))
    assert(found(0.9).isEmpty)
  }

  test("boxes are in the image's own pixels") {
    assert(found(0.5).head.box == Box(75, 25, 125, 75))
  }

  test("a score that is no number is no object") {
    val postprocessor = new DetectionPostprocessor(labels, 0, None)
    assert(postprocessor(Array(Float.NaN, 0f, 0f), boxes(1), image).isEmpty)
  }

  test("logits that do not fit the labels are refused") {
    val postprocessor = new DetectionPostprocessor(Vector("cat"), 0.5, None)
    assert(intercept[BundleException](postprocessor(three, boxes(3), image)).getMessage.contains("1 labels"))
  }
}
