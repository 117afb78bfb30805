package sparkvision.engine

/** How a model's hidden states become one embedding of a picture. */
sealed abstract class Pooling(val name: String)

object Pooling {

  /** The first token's state: the class token's, of models that have one. */
  case object Cls extends Pooling("cls")

  /** The mean of the states of all tokens (class and register tokens too), or of all places of a feature map. */
  case object Mean extends Pooling("mean")

  /** The model's own pooling, its `pooler_output`. */
  case object Pooler extends Pooling("pooler")

  val all: Seq[Pooling] = Seq(Cls, Mean, Pooler)

  def parse(name: String): Pooling = all.find(_.name == name).getOrElse {
    throw new ParameterException(s"Unknown pooling '$name'; use one of ${all.map(_.name).mkString(", ")}.")
  }
}
