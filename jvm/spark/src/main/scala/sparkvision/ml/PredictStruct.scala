package sparkvision.ml

import org.apache.spark.sql.{Row, SparkSession}

import sparkvision.engine.{LocalModel, ModelSettings}

/** Labels each picture: the one struct that `sparkvision_predict` gives in SQL. A bad picture's has the reason. */
final private[ml] case class PredictStruct(runner: PartitionRunner) extends PictureFunction {
  override def name: String = "sparkvision_predict"
  override def description: String = runner.description
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[Option[Seq[Any]]] =
    runner.run(pictures, metrics)(_.picture).map {
      case (_, Left(reason)) => Some(Seq(Row(null, null, null, null, reason)))
      case (_, Right(prediction)) =>
        val best = prediction.best.headOption
        val labels = prediction.best.map(scored => Row(scored.label, scored.score))
        Some(Seq(Row(best.map(_.label).orNull, best.map(_.score).orNull, best.map(_.id).orNull, labels, null)))
    }
}

private[ml] object PredictStruct {

  /** With the bundle at `uri`, read on the driver at its first use and whenever it has changed.
    *
    * @throws sparkvision.engine.SparkVisionException
    *   when there is no bundle, it is damaged, or topK makes no sense
    */
  def apply(uri: String, topK: Int, spark: SparkSession): PredictStruct = {
    val bundle = ModelStore.resolve(uri, None, spark)
    val settings = ModelSettings(topK = topK, sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext))
    new LocalModel(bundle, settings).close()
    val model = ModelDistributor.distribute(bundle, uri, spark.sparkContext)
    PredictStruct(PartitionRunner(model, settings, deviceId = -1, intraOpThreads = 0))
  }
}
