package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{And, AttributeSet, Expression, Literal}
import org.apache.spark.sql.catalyst.optimizer.{ColumnPruning, PushDownPredicates, RemoveNoopOperators}
import org.apache.spark.sql.catalyst.plans.logical.{Filter, LocalLimit, LogicalPlan, Project}
import org.apache.spark.sql.catalyst.rules.Rule

/** Optimises the queries that contain [[MapRows]], and returns every other plan as it is. Spark's own rules run once more,
  * because they can move the filters that [[PushThroughRows]] has moved further down.
  */
private[plan] object OptimizeRows extends Rule[LogicalPlan] {
  private val rules = Seq(PushThroughRows, PushDownPredicates, ColumnPruning, RemoveNoopOperators)

  override def apply(plan: LogicalPlan): LogicalPlan =
    if (plan.exists(_.isInstanceOf[MapRows])) rules.foldLeft(plan)((optimized, rule) => rule(optimized)) else plan
}

/** Keeps [[MapRows]] from computing results that nothing reads: filters and limits move below the operator, and an operator
  * of which no column is read leaves the plan, unless it drops rows or can fail the query. Columns that only the operator
  * reads, usually the image, are not part of its output.
  *
  * Spark's own rules move filters and limits only through operators that they know.
  */
private[plan] object PushThroughRows extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.transform {
    case filter @ Filter(condition, rows: MapRows) => pushed(filter, conjuncts(condition), rows)
    case LocalLimit(limit, project @ Project(_, rows: MapRows)) if mayLimit(limit, rows) =>
      LocalLimit(limit, project.copy(child = limited(limit, rows)))
    case LocalLimit(limit, rows: MapRows) if mayLimit(limit, rows) =>
      LocalLimit(limit, limited(limit, rows))
    case project @ Project(columns, rows: MapRows)
        if isWithoutEffect(rows) && !columns.exists(_.references.exists(rows.producedAttributes.contains)) =>
      project.copy(child = rows.child)
    case project @ Project(_, rows: MapRows) =>
      project.copy(child = withoutUnread(rows, project.references))
    case project @ Project(_, filter @ Filter(condition, rows: MapRows)) =>
      project.copy(child = filter.copy(child = withoutUnread(rows, project.references ++ condition.references)))
  }

  /** The conditions that `condition` joins with AND. */
  def conjuncts(condition: Expression): Seq[Expression] = condition match {
    case And(left, right) => conjuncts(left) ++ conjuncts(right)
    case other => Seq(other)
  }

  private def withoutUnread(rows: MapRows, read: AttributeSet): MapRows =
    rows.copy(unread = rows.child.output.filter(rows.references.contains).filterNot(read.contains))

  private def pushed(filter: Filter, conditions: Seq[Expression], rows: MapRows): LogicalPlan = {
    val (below, above) = conditions.partition { condition =>
      condition.deterministic && condition.references.subsetOf(rows.child.outputSet)
    }
    if (below.isEmpty) filter
    else {
      val filtered = rows.copy(child = Filter(below.reduce(And), rows.child))
      if (above.isEmpty) filtered else Filter(above.reduce(And), filtered)
    }
  }

  private def isWithoutEffect(rows: MapRows) = rows.function.keepsEveryRow && !rows.function.mayFail

  private def mayLimit(limit: Expression, rows: MapRows): Boolean = limit match {
    case Literal(most: Int, _) => rows.function.keepsEveryRow && rows.child.maxRowsPerPartition.forall(_ > most)
    case _ => false
  }

  private def limited(limit: Expression, rows: MapRows): MapRows = rows.copy(child = LocalLimit(limit, rows.child))
}
