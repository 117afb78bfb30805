package sparkvision.engine.postprocess

import sparkvision.image.ParameterException

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
