package sparkvision.ml.task

import org.apache.hadoop.conf.Configuration

/** What a query's operator does with a partition's vectors; compared by value, as [[ImageFunction]]s are. */
private[ml] trait VectorFunction extends Serializable {

  /** The stage, as query plans name it. */
  def name: String

  /** The settings, as query plans show them. */
  def description: String

  override def toString: String = s"$name($description)"

  /** @param vectors
    *   each once, null where there is none; may be read ahead
    * @param configuration
    *   the job's, to read files with
    * @return
    *   for each vector, in order: the values of the columns to add
    */
  def apply(vectors: Iterator[Array[Double]], configuration: => Configuration): Iterator[Seq[Any]]
}
