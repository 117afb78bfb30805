package sparkvision.engine.bundle



/** What a bundle's graph is for, named as in Hugging Face's pipelines. */
sealed abstract class ModelTask(val name: String) {

  /** Images a run, where nobody says otherwise. */
  def batchSize: Int = 8
}

object ModelTask {

  /** The first output is logits, one a label. */
  case object ImageClassification extends ModelTask("image-classification")

  /** The outputs are `last_hidden_state` and, where the model has one, `pooler_output`. */
  case object FeatureExtraction extends ModelTask("feature-extraction")

  /** The outputs are `logits`, one a label and one for "no object" for each query, and `pred_boxes`.
    *
    * An image that is padded to its neighbours' size gets slightly other numbers, and a YOLOS, which is given no mask, gives
    * boxes for the padded image. So images are run one by one.
    */
  case object ObjectDetection extends ModelTask("object-detection") {
    override def batchSize: Int = 1
  }

  /** The first output is `image_embeds`, to be compared with those of the manifest's text model. */
  case object ZeroShotImageClassification extends ModelTask("zero-shot-image-classification")

  private val all = Seq(ImageClassification, FeatureExtraction, ObjectDetection, ZeroShotImageClassification)

  def parse(name: String): ModelTask = all.find(_.name == name).getOrElse {
    throw new BundleException(
      s"Unknown task '$name' in the bundle; SparkVision knows ${all.map(_.name).mkString(", ")}."
    )
  }
}

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
