package sparkvision.engine.postprocess

import scala.util.Random

import sparkvision.engine.bundle.ProblemType

/** Prints what post-processing costs an image, by the number of classes:
  * `scripts/sbt "engine/Test/runMain sparkvision.engine.postprocess.PostprocessorBenchmark"`.
  */
object PostprocessorBenchmark {

  /** ImageNet-1k's and ImageNet-21k's numbers of classes. */
  private val ClassCounts = Seq(1000, 21843)
  private val Rounds = 5
  private val ImagesARound = 500

  def main(arguments: Array[String]): Unit =
    for {
      classes <- ClassCounts
      problemType <- Seq(ProblemType.SingleLabel, ProblemType.MultiLabel)
    } {
      val random = new Random(1)
      val postprocessor =
        new ClassificationPostprocessor((0 until classes).map(_.toString), problemType, Some(5), threshold = 0.5)
      val images = Array.fill(32)(Array.fill(classes)(random.nextGaussian().toFloat * 3))
      val milliseconds = (0 until Rounds).map { _ =>
        val start = System.nanoTime
        for (image <- 0 until ImagesARound) require(postprocessor(images(image % 32)).best.size == 5)
        (System.nanoTime - start) / 1e6 / ImagesARound
      }
      println(f"$classes%6d classes, ${problemType.name}%-28s ${milliseconds.min}%.3f ms an image (best of $Rounds)")
    }
}
