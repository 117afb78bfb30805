package sparkvision.engine.similarity

import sparkvision.image.ParameterException

/** How the most similar vectors are found. */
sealed abstract class SearchMethod(val name: String) {
  override def toString: String = name
}

object SearchMethod {

  /** The query is compared with every vector. */
  case object Exact extends SearchMethod("exact")

  /** A walk through a graph of neighbours (HNSW, Malkov and Yashunin, arXiv:1603.09320) meets few of the vectors. */
  case object Approximate extends SearchMethod("approximate")

  val all: Seq[SearchMethod] = Seq(Exact, Approximate)

  /** @throws ParameterException
    *   for a name that is none of [[all]]
    */
  def parse(name: String): SearchMethod = all.find(_.name == name).getOrElse {
    throw new ParameterException(s"method is one of ${all.mkString(", ")}, not '$name'.")
  }
}
