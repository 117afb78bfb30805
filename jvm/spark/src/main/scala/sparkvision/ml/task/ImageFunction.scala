package sparkvision.ml.task

import sparkvision.ml.column.SourceImage
import sparkvision.ml.metrics.ImageMetrics

/** What a query's operator does with a partition's images.
  *
  * Implementations are compared by value: by equality Spark finds the plans that it has cached, and those that it need not
  * run twice.
  */
private[ml] trait ImageFunction extends Serializable {

  /** The stage or SQL function, as query plans and metrics name it. */
  def name: String

  /** The settings, as query plans show them. */
  def description: String

  /** The bundle that it runs, if it runs one. */
  def modelHash: Option[String]

  override def toString: String = s"$name($description)"

  /** Whether each row in gives one row out. */
  def keepsEveryRow: Boolean

  /** Whether a row in may give several rows out. */
  def mayMultiplyRows: Boolean = false

  /** Whether an image can fail the query; then it is not left out even where nobody reads its result. */
  def mayFail: Boolean

  /** @param images
    *   read ahead by a batch or more, each once
    * @return
    *   for each image, in order, the rows that come of its row, as the values of the columns to add; none where it is
    *   dropped. Those of one image are read before the next image's
    */
  def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[IterableOnce[Seq[Any]]]
}
