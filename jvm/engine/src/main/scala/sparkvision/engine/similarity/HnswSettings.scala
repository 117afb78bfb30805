package sparkvision.engine.similarity

import sparkvision.image.ParameterException

/** How a graph of neighbours is built, by HNSW's own names.
  *
  * @param m
  *   neighbours that a vector is linked to, on the upper levels of the graph; twice as many on the lowest
  * @param efConstruction
  *   candidates that are looked at to choose them from
  */
final case class HnswSettings(m: Int, efConstruction: Int) {
  require("m", m, HnswSettings.LargestM)
  require("efConstruction", efConstruction, HnswSettings.LargestEfConstruction)

  private def require(name: String, value: Int, most: Int): Unit =
    if (value < 1 || value > most) throw new ParameterException(s"$name is from 1 to $most, not $value.")
}

object HnswSettings {

  /** Lucene's own defaults. */
  val DefaultM = 16
  val DefaultEfConstruction = 100

  // The bounds of Lucene99HnswVectorsFormat.
  private val LargestM = 512
  private val LargestEfConstruction = 3200
}
