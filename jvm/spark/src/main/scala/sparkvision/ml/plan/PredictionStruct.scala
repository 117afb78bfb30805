package sparkvision.ml.plan

import org.apache.spark.sql.types._
import org.apache.spark.sql.{Row, SparkSession}

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{BundleException, ModelTask}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.Prediction
import sparkvision.image.ImageInput
import sparkvision.ml.column.SourceImage
import sparkvision.ml.model.{ModelDistributor, ModelStore}
import sparkvision.ml.output.ModelOutput
import sparkvision.ml.param.BadImageMode
import sparkvision.ml.stage.ModelFamily
import sparkvision.ml.task.{ImageFunction, PartitionRunner, RunModel}

/** The one struct that `sparkvision_predict` gives in SQL: the best label, its score and id, the topK labels, and the
  * reason why there are none. All the others are null where there is a reason.
  */
private[ml] case object PredictionStruct extends ModelOutput[Prediction] {
  private val scored = Seq(StructField("label", StringType), StructField("score", DoubleType))

  val dataType: StructType = StructType(
    scored ++ Seq(
      StructField("id", IntegerType),
      StructField("labels", ArrayType(StructType(scored))),
      StructField("error", StringType)
    )
  )

  override def fields: Seq[StructField] = Seq(StructField("sparkvision_predict", dataType, nullable = false))

  override def results[A](model: LocalModel, items: Iterator[A])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Prediction])] = model.predictions(items)(image)

  override def values(source: SourceImage, result: Either[String, Prediction]): Seq[Any] = result match {
    case Left(reason) => Seq(Row(null, null, null, null, reason))
    case Right(prediction) =>
      val best = prediction.best.headOption
      val labels = prediction.best.map(scored => Row(scored.label, scored.score))
      Seq(Row(best.map(_.label).orNull, best.map(_.score).orNull, best.map(_.id).orNull, labels, null))
  }

  /** What computes it, with the bundle at `uri`: read on the driver at its first use and whenever it has changed.
    *
    * @throws SparkVisionException
    *   when there is no bundle, it is damaged or gives no labels, or topK makes no sense
    */
  def function(uri: String, topK: Int, spark: SparkSession): ImageFunction = {
    val bundle = ModelStore.resolve(uri, None, spark)
    if (bundle.manifest.task != ModelTask.ImageClassification)
      throw new BundleException(
        s"The bundle at $uri is for ${bundle.manifest.task.name}; sparkvision_predict takes image classification models. " +
          s"Use ${ModelFamily.stageFor(bundle.manifest)}."
      )
    val settings = ModelSettings(
      topK = Some(topK),
      cores = PartitionRunner.executorCores(spark.sparkContext.getConf),
      sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
    )
    new LocalModel(bundle, settings).close()
    val model = ModelDistributor.distribute(bundle, uri, spark.sparkContext)
    val runner = PartitionRunner(model, settings, deviceId = -1, intraOpThreads = 0)
    RunModel(fields.head.name, runner, BadImageMode.Permissive, this)
  }
}
