package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.{FunctionRegistry, FunctionRegistryBase, TableFunctionRegistry}
import org.apache.spark.sql.catalyst.expressions.{Expression, ExpressionInfo}
import org.apache.spark.sql.execution.SparkStrategy
import org.apache.spark.sql.{SparkSession, classic}

/** Enables a session to plan [[MapRows]] and [[PredictImage]].
  *
  * The rules are added through `spark.experimental`, because a stage must work in every session that has these classes,
  * whether it was configured or not, and because only rules that are added there run after all of Spark's own, as the rule
  * that extracts Spark's Python functions does.
  */
private[ml] object SessionRules {

  /** Does nothing in a session that has the rules. */
  def install(spark: SparkSession): Unit = {
    installStrategy(spark, RowStrategy)
    val methods = spark.asInstanceOf[classic.SparkSession].experimental
    methods.synchronized {
      if (!methods.extraOptimizations.contains(OptimizeRows))
        methods.extraOptimizations ++= Seq(new ExtractPredictions(spark), OptimizeRows)
    }
  }

  /** Enables a session to plan the operators of another package. */
  def installStrategy(spark: SparkSession, strategy: SparkStrategy): Unit = {
    val methods = spark.asInstanceOf[classic.SparkSession].experimental
    methods.synchronized {
      if (!methods.extraStrategies.contains(strategy)) methods.extraStrategies :+= strategy
    }
  }

  /** As [[install]], and with the SQL functions, for a session that was not configured with SparkVisionExtensions. */
  def installWithFunctions(spark: SparkSession): Unit = {
    install(spark)
    val state = spark.asInstanceOf[classic.SparkSession].sessionState
    register(SqlFunctions.scalars, state.functionRegistry, FunctionRegistry.builtin)
    register(SqlFunctions.tables, state.tableFunctionRegistry, TableFunctionRegistry.builtin)
  }

  /** Registers those functions that are missing, as if they were Spark's own; SparkSessionExtensions does the same.
    *
    * Spark 4.2 and later register their own functions as `system.builtin.NAME` and refuse a name alone; earlier versions
    * use the name alone. One of Spark's own functions shows which form this Spark uses.
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
