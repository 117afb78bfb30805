package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

/** Plans [[MapRows]]. */
private[plan] object RowStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case rows @ MapRows(values, function, added, child, _) =>
      Seq(MapRowsExec(values, function, rows.passed, added, planLater(child)))
    case _ => Nil
  }
}
