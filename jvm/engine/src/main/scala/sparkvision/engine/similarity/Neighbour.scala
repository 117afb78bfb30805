package sparkvision.engine.similarity

/** An image of the index, and the cosine of the angle between its vector and the query's: 1 for the same direction. */
final case class Neighbour(id: String, score: Float)

object Neighbour {

  /** The most similar first; of equally similar ones in the order of their ids, so that answers do not depend on how the
    * index was split.
    */
  implicit val bestFirst: Ordering[Neighbour] =
    Ordering.by[Neighbour, Float](-_.score)(Ordering.Float.TotalOrdering).orElseBy(_.id)
}
