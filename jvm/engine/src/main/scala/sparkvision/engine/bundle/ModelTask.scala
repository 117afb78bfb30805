package sparkvision.engine.bundle

import sparkvision.image.{NamedValue, NamedValues, SparkVisionException}

/** The task of a bundle, named as in Hugging Face's pipelines. */
sealed abstract class ModelTask(val name: String) extends NamedValue {

  /** The default batch size, which stages, `LocalModel` and SQL functions share. */
  def batchSize: Int = ModelTask.DefaultBatchSize
}

object ModelTask extends NamedValues[ModelTask]("task of a bundle") {

  /** The default batch size of all tasks except object detection. */
  val DefaultBatchSize = 8

  /** The first output is logits, one for each label. */
  case object ImageClassification extends ModelTask("image-classification")

  /** The outputs are `last_hidden_state` and, if the model has it, `pooler_output`. */
  case object FeatureExtraction extends ModelTask("feature-extraction")

  /** The outputs are `logits`, for each query one for each label and one for "no object", and `pred_boxes`.
    *
    * Padding to the size of other images changes the results of an image slightly, and a YOLOS, which takes no mask, returns
    * boxes relative to the padded image. The default batch size is therefore 1.
    */
  case object ObjectDetection extends ModelTask("object-detection") {
    override def batchSize: Int = 1
  }

  /** The first output is `image_embeds`, to be compared with the embeddings of the manifest's text model. */
  case object ZeroShotImageClassification extends ModelTask("zero-shot-image-classification")

  override val all: Seq[ModelTask] =
    Seq(ImageClassification, FeatureExtraction, ObjectDetection, ZeroShotImageClassification)

  override protected def refusal(message: String): SparkVisionException = new BundleException(message)
}

/** The meaning of the logits of a classification head, named as in Hugging Face's `config.problem_type`. */
sealed abstract class ProblemType(val name: String) extends NamedValue

object ProblemType extends NamedValues[ProblemType]("problemType of a bundle") {

  /** Each image has one label: softmax over the logits. */
  case object SingleLabel extends ProblemType("single_label_classification")

  /** Each image has any number of labels: a sigmoid of each logit. */
  case object MultiLabel extends ProblemType("multi_label_classification")

  /** The logits are the predicted values. */
  case object Regression extends ProblemType("regression")

  override val all: Seq[ProblemType] = Seq(SingleLabel, MultiLabel, Regression)

  override protected def refusal(message: String): SparkVisionException = new BundleException(message)
}
