package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.{FunctionRegistry, FunctionRegistryBase, TableFunctionRegistry}
import org.apache.spark.sql.catalyst.expressions.{Expression, ExpressionInfo}
import org.apache.spark.sql.catalyst.optimizer.{ColumnPruning, PushDownPredicates, RemoveNoopOperators}
import org.apache.spark.sql.{SparkSession, classic}

/** Teaches a session to plan [[MapImages]] and [[PredictImage]].
  *
  * Through `spark.experimental`, because a stage must work in every session that has our classes, configured or not, and
  * because only there are rules that run after all of Spark's own, as extracting Spark's Python functions does.
  */
private[ml] object SessionRules {
  private val optimizations = Seq(PushThroughImages, PushDownPredicates, ColumnPruning, RemoveNoopOperators)

  /** Does nothing where it has been done. */
  def install(spark: SparkSession): Unit = {
    val methods = spark.asInstanceOf[classic.SparkSession].experimental
    methods.synchronized {
      if (!methods.extraStrategies.contains(ImageStrategy)) methods.extraStrategies :+= ImageStrategy
      if (!methods.extraOptimizations.contains(PushThroughImages))
        methods.extraOptimizations ++= new ExtractPredictions(spark) +: optimizations
    }
  }

  /** As [[install]], and with the SQL functions, for a session that was not configured with SparkVisionExtensions. */
  def installWithFunctions(spark: SparkSession): Unit = {
    install(spark)
    val state = spark.asInstanceOf[classic.SparkSession].sessionState
    register(SqlFunctions.scalars, state.functionRegistry, FunctionRegistry.builtin)
    register(SqlFunctions.tables, state.tableFunctionRegistry, TableFunctionRegistry.builtin)
  }

  /** Registers those functions that are not there, as if they were Spark's own; SparkSessionExtensions does the same.
    *
    * Spark 4.2 and later keep their own functions as `system.builtin.NAME`, and refuse a name alone; earlier versions keep
    * the name alone. How this Spark does it is read off one of its own functions.
    */
  private def register[T](
      functions: Seq[(FunctionIdentifier, ExpressionInfo, Seq[Expression] => T)],
      registry: FunctionRegistryBase[T],
      builtin: FunctionRegistryBase[T]
  ): Unit = {
    val sparks = builtin.listFunction().head
    functions.foreach { case (name, information, builder) =>
      val identifier = sparks.copy(funcName = name.funcName)
      if (!registry.functionExists(identifier)) registry.registerFunction(identifier, information, builder)
    }
  }
}
