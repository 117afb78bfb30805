package sparkvision.ml

/** What a query's operator does with a partition's pictures.
  *
  * Implementations are compared by value: by equality Spark finds the plans that it has cached, and those that it need not
  * run twice.
  */
private[ml] trait PictureFunction extends Serializable {

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

  /** Whether a picture can fail the query; then it is not left out even where nobody reads its result. */
  def mayFail: Boolean

  /** @param pictures
    *   read ahead by a batch or more, each once
    * @return
    *   for each picture, in order, the rows that come of its row, as the values of the columns to add; none where it is
    *   dropped. Those of one picture are read before the next picture's
    */
  def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[IterableOnce[Seq[Any]]]
}
