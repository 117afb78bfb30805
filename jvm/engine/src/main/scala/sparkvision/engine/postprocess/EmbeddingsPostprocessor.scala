package sparkvision.engine.postprocess

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask, TensorInfo}
import sparkvision.image.ParameterException

/** Turns a model's hidden states into one embedding of each image.
  *
  * @param normalize
  *   whether embeddings are divided by their Euclidean length, so that dot products are cosines
  * @throws BundleException
  *   when the bundle is not for feature extraction
  * @throws ParameterException
  *   when the model has nothing for this pooling to read
  */
final class EmbeddingsPostprocessor(manifest: BundleManifest, pooling: Pooling, normalize: Boolean) {
  import EmbeddingsPostprocessor._

  private val isProjection = manifest.task == ModelTask.ZeroShotImageClassification
  // A zero-shot model's one output is pooled already.
  private val pooled = if (isProjection) Pooling.Pooler else pooling

  if (manifest.task != ModelTask.FeatureExtraction && !isProjection)
    throw new BundleException(
      s"This bundle holds a ${manifest.architecture} for ${manifest.task.name}, which gives no embeddings. Export the " +
        "checkpoint with `sparkvision export --task feature-extraction`."
    )

  /** The graph's output that the embeddings are made of. */
  val output: TensorInfo = pooled match {
    case Pooling.Pooler =>
      manifest.outputs.find(output => isProjection || output.name == TensorInfo.PoolerOutput).getOrElse {
        throw new ParameterException(
          s"pooling is 'pooler', but this ${manifest.architecture} has no ${TensorInfo.PoolerOutput}. Use pooling 'cls' or 'mean'."
        )
      }
    case _ => manifest.outputs.head
  }

  if (pooled == Pooling.Cls && withoutClassToken(manifest.architecture))
    throw new ParameterException(
      s"pooling is 'cls', but a ${manifest.architecture} has no class token. Use pooling 'mean', or 'pooler'."
    )

  /** Numbers in an embedding. */
  val size: Int = output.shape.last.toInt

  /** @param states
    *   one image's values of [[output]]
    */
  def apply(states: Array[Float]): Array[Float] = {
    val embedding = pooled match {
      case Pooling.Cls => states.take(size)
      case Pooling.Mean => mean(states)
      case Pooling.Pooler => states
    }
    if (normalize) normalized(embedding) else embedding
  }

  /** Over [tokens, size]. */
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
  /** transformers' encoders whose first token is a part of the image like the others, those of docs/models.md and more. */
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

  /** An embedding of zeros only has no direction, and stays as it is. */
  def normalized(embedding: Array[Float]): Array[Float] = {
    val divisor = length(embedding)
    if (divisor == 0) embedding else embedding.map(x => (x / divisor).toFloat)
  }

  /** Euclidean. */
  def length(embedding: Array[Float]): Double = math.sqrt(embedding.foldLeft(0.0)((sum, x) => sum + x.toDouble * x))
}

/** How a model's hidden states become one embedding of an image. */
sealed abstract class Pooling(val name: String)

object Pooling {

  /** The class token's state; refused for models that have none. */
  case object Cls extends Pooling("cls")

  /** The mean of all tokens' states, class and register tokens too. */
  case object Mean extends Pooling("mean")

  /** The model's own pooling, its `pooler_output`. */
  case object Pooler extends Pooling("pooler")

  val all: Seq[Pooling] = Seq(Cls, Mean, Pooler)

  def parse(name: String): Pooling = all.find(_.name == name).getOrElse {
    throw new ParameterException(s"Unknown pooling '$name'; use one of ${all.map(_.name).mkString(", ")}.")
  }
}
