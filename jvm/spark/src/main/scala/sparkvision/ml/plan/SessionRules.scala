package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.optimizer.{ColumnPruning, PushDownPredicates, RemoveNoopOperators}
import org.apache.spark.sql.{SparkSession, classic}

/** Teaches a session to plan [[MapPictures]] and [[PredictPicture]].
  *
  * Through `spark.experimental`, because a stage must work in every session that has our classes, configured or not, and
  * because only there are rules that run after all of Spark's own, as extracting Spark's Python functions does.
  */
private[ml] object SessionRules {
  private val optimizations = Seq(PushThroughPictures, PushDownPredicates, ColumnPruning, RemoveNoopOperators)

  /** Does nothing where it has been done. */
  def install(spark: SparkSession): Unit = {
    val methods = spark.asInstanceOf[classic.SparkSession].experimental
    methods.synchronized {
      if (!methods.extraStrategies.contains(PictureStrategy)) methods.extraStrategies :+= PictureStrategy
      if (!methods.extraOptimizations.contains(PushThroughPictures))
        methods.extraOptimizations ++= new ExtractPredictions(spark) +: optimizations
    }
  }

  /** As [[install]], and with the SQL functions, for a session that was not configured with SparkVisionExtensions. */
  def installWithFunctions(spark: SparkSession): Unit = {
    install(spark)
    val state = spark.asInstanceOf[classic.SparkSession].sessionState
    SqlFunctions.scalars.foreach { case (name, information, builder) =>
      if (!state.functionRegistry.functionExists(name))
        state.functionRegistry.registerFunction(name, information, builder)
    }
    SqlFunctions.tables.foreach { case (name, information, builder) =>
      if (!state.tableFunctionRegistry.functionExists(name))
        state.tableFunctionRegistry.registerFunction(name, information, builder)
    }
  }
}
