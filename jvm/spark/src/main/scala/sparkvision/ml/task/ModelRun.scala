package sparkvision.ml.task

import org.apache.spark.sql.SparkSession

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.ml.model.ModelReference

/** A model and how it is run, as query plans hold it.
  *
  * @param deviceId
  *   the GPU; -1: as `TaskGpu` chooses
  * @param intraOpThreads
  *   0: as many as the task has cores, and those that no task uses
  */
final private[ml] case class ModelRun(
    model: ModelReference,
    settings: ModelSettings,
    deviceId: Int = -1,
    intraOpThreads: Int = 0
) {

  /** The model and its settings, as query plans show them. */
  def description: String =
    s"model=$model, executionProvider=${settings.session.provider}, batchSize=${settings.batchSize}"

  /** Refuses settings that the model cannot take, so that the driver reports them and not every task. Opens no session. */
  def requireFitting(bundle: ModelBundle): Unit = new LocalModel(bundle, settings).close()

  /** Fetches the model and sends it to the executors: the execution of a query starts with this.
    *
    * @param check
    *   refuses a bundle that cannot be run
    */
  def start(spark: SparkSession)(check: ModelBundle => Unit): PartitionRunner = {
    val bundle = model.bundle(spark)
    check(bundle)
    PartitionRunner(model.send(bundle, spark.sparkContext), settings, deviceId, intraOpThreads)
  }
}
