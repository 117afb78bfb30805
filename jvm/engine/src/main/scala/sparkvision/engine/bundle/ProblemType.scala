package sparkvision.engine.bundle

/** What a classification head's logits mean, named as in Hugging Face's `config.problem_type`. */
sealed abstract class ProblemType(val name: String)

object ProblemType {

  /** One label an image: softmax over the logits. */
  case object SingleLabel extends ProblemType("single_label_classification")

  /** Any number of labels an image: a sigmoid each. */
  case object MultiLabel extends ProblemType("multi_label_classification")

  /** The logits are the answer. */
  case object Regression extends ProblemType("regression")

  private val all = Seq(SingleLabel, MultiLabel, Regression)

  def parse(name: String): ProblemType = all.find(_.name == name).getOrElse {
    throw new BundleException(
      s"Unknown problemType '$name' in the bundle; SparkVision knows ${all.map(_.name).mkString(", ")}."
    )
  }
}
