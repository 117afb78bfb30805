package sparkvision.ml.dedup

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.DataFrame
import org.apache.spark.storage.StorageLevel

/** Computes something once and cuts it off from what it was computed of, so that plans do not grow from round to round.
  *
  * It is kept in the application's checkpoint directory, where there is one; else on the executors, whose loss then fails
  * the job.
  */
private[ml] object Checkpoint {

  def apply(table: DataFrame): DataFrame =
    if (table.sparkSession.sparkContext.getCheckpointDir.isDefined) table.checkpoint() else table.localCheckpoint()

  def apply[A](items: RDD[A]): RDD[A] = {
    items.persist(StorageLevel.MEMORY_AND_DISK)
    if (items.sparkContext.getCheckpointDir.isDefined) items.checkpoint() else items.localCheckpoint()
    val _ = items.count()
    items
  }
}
