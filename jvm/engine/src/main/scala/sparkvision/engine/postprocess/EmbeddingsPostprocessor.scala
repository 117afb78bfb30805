package sparkvision.engine.postprocess

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask, TensorInfo}
import sparkvision.image.{NamedValue, NamedValues, ParameterException}

/** Converts the hidden states of a model to one embedding for each image.
  *
  * @param normalize
  *   whether embeddings are divided by their Euclidean length, so that dot products are cosines
  * @throws BundleException
  *   when the bundle is not for feature extraction
  * @throws ParameterException
  *   when the model does not support this pooling
  */
final class EmbeddingsPostprocessor(manifest: BundleManifest, pooling: Pooling, normalize: Boolean) {
  import EmbeddingsPostprocessor._

  requireUsable(manifest, pooling)

  private val pooled = poolingOf(manifest, pooling)

  /** The output of the graph that contains the embeddings, or what they are pooled from. */
  val output: TensorInfo = outputOf(manifest, pooled).getOrElse(manifest.outputs.head)

  /** Length of an embedding. */
  val size: Int = output.shape.last.toInt

  /** @param states
    *   the values of one image in [[output]]
    */
  def apply(states: Array[Float]): Array[Float] = {
    val embedding = pooled match {
      case Pooling.Cls => states.take(size)
      case Pooling.Mean => mean(states)
      case Pooling.Pooler => states
    }
    if (normalize) normalized(embedding) else embedding
  }

  /** The mean over the tokens of states of shape [tokens, size]. */
  private def mean(states: Array[Float]): Array[Float] = {
    val tokens = states.length / size
    Array.tabulate(size) { number =>
      var sum = 0.0
      for (token <- 0 until tokens) sum += states(token * size + number)
      (sum / tokens).toFloat
    }
  }
}

private[sparkvision] object EmbeddingsPostprocessor {

  /** The encoders of transformers whose first token represents a part of the image like the others: those of docs/models.md
    * and more.
    */
  private val withoutClassToken = Set(
    "SwinModel",
    "Swinv2Model",
    "ConvNextModel",
    "ConvNextV2Model",
    "HieraModel",
    "BitModel",
    "SiglipVisionModel",
    "MobileViTModel",
    "MobileViTV2Model",
    "LevitModel",
    "PoolFormerModel",
    "EfficientFormerModel",
    "CvtModel",
    "DinatModel",
    "EfficientNetModel",
    "FocalNetModel",
    "IJepaModel",
    "MobileNetV1Model",
    "MobileNetV2Model",
    "PvtV2Model",
    "RegNetModel",
    "ResNetModel",
    "SegformerModel",
    "Siglip2VisionModel",
    "SwiftFormerModel",
    "TextNetModel",
    "VanModel"
  )

  /** Verifies that the model has embeddings, and that they can be pooled in this way.
    *
    * @throws BundleException
    *   when the bundle is not for feature extraction
    * @throws ParameterException
    *   when the model does not support this pooling
    */
  def requireUsable(manifest: BundleManifest, pooling: Pooling): Unit = {
    if (manifest.task != ModelTask.FeatureExtraction && !isProjection(manifest))
      throw new BundleException(
        s"This bundle contains a ${manifest.architecture} for ${manifest.task.name}, which has no embeddings. Export the " +
          "checkpoint with `sparkvision export --task feature-extraction`."
      )
    val pooled = poolingOf(manifest, pooling)
    if (outputOf(manifest, pooled).isEmpty)
      throw new ParameterException(
        s"pooling is 'pooler', but this ${manifest.architecture} has no ${TensorInfo.PoolerOutput}. Use pooling 'cls' or " +
          "'mean'."
      )
    if (pooled == Pooling.Cls && withoutClassToken(manifest.architecture))
      throw new ParameterException(
        s"pooling is 'cls', but a ${manifest.architecture} has no class token. Use pooling 'mean', or 'pooler'."
      )
  }

  private def isProjection(manifest: BundleManifest): Boolean = manifest.task == ModelTask.ZeroShotImageClassification

  /** The one output of a zero-shot model is pooled already. */
  private def poolingOf(manifest: BundleManifest, pooling: Pooling): Pooling =
    if (isProjection(manifest)) Pooling.Pooler else pooling

  private def outputOf(manifest: BundleManifest, pooled: Pooling): Option[TensorInfo] = pooled match {
    case Pooling.Pooler if !isProjection(manifest) => manifest.outputs.find(_.name == TensorInfo.PoolerOutput)
    case _ => manifest.outputs.headOption
  }

  /** An embedding that is all zeros has no direction, and is returned unchanged. */
  def normalized(embedding: Array[Float]): Array[Float] = {
    val divisor = length(embedding)
    if (divisor == 0) embedding else embedding.map(x => (x / divisor).toFloat)
  }

  /** The Euclidean length. */
  def length(embedding: Array[Float]): Double = math.sqrt(embedding.foldLeft(0.0)((sum, x) => sum + x.toDouble * x))
}

/** How the hidden states of a model become one embedding of an image. */
sealed abstract class Pooling(val name: String) extends NamedValue

object Pooling extends NamedValues[Pooling]("pooling") {

  /** The state of the class token; refused for models that have none. */
  case object Cls extends Pooling("cls")

  /** The mean of the states of all tokens, including class and register tokens. */
  case object Mean extends Pooling("mean")

  /** The pooling of the model itself, its `pooler_output`. */
  case object Pooler extends Pooling("pooler")

  override val all: Seq[Pooling] = Seq(Cls, Mean, Pooler)
}
