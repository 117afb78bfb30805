package sparkvision.engine.postprocess

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.BundleException
import sparkvision.image.ImageException

class EmbeddingComparisonSpec extends AnyFunSuite {

  test("logits are scaled cosines, whatever the lengths of the embeddings") {
    val comparison = new EmbeddingComparison(IndexedSeq(Array(2f, 0f), Array(0f, -3f), Array(1f, 1f)), scale = 100)
    assert(comparison.logits(Array(5f, 0f)).toSeq == Seq(100f, 0f, (100 / math.sqrt(2)).toFloat))
  }

  test("an embedding without a direction is refused, where its cosines would be NaN") {
    val comparison = new EmbeddingComparison(IndexedSeq(Array(2f, 0f)), scale = 100)
    Seq(Array(0f, -0f), Array(Float.NaN, 1f), Array(1f, Float.NegativeInfinity)).foreach { embedding =>
      assert(
        intercept[ImageException](comparison.logits(embedding)).reason.contains("this image an embedding that is")
      )
    }
    val refused = intercept[BundleException](new EmbeddingComparison(IndexedSeq(Array(1f, 0f), Array(0f, 0f)), 100))
    assert(refused.getMessage.contains("candidate label"))
  }
}
