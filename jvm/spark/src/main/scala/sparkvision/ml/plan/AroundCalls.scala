package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.InnerLike
import org.apache.spark.sql.catalyst.plans.logical.{Aggregate, Filter, Join, LogicalPlan, Project}

/** Splits an operator that cannot have a call's result below it: the call moves into one of its own above. */
private[plan] object AroundCalls {
  def apply(node: LogicalPlan): LogicalPlan = node match {
    case aggregate: Aggregate if aggregate.aggregateExpressions.exists(callsResult) => aboveAggregate(aggregate)
    case join: Join if join.joinType.isInstanceOf[InnerLike] => aboveJoin(join)
    case other => other
  }

  /** Whether a call is made of what the aggregate computes, not of what it reads. */
  private def callsResult(expression: Expression): Boolean = expression match {
    case _: AggregateExpression => false
    case _: PredictImage => true
    case other => other.children.exists(callsResult)
  }

  private def aboveAggregate(aggregate: Aggregate): LogicalPlan = {
    val inner = Seq.newBuilder[NamedExpression]
    val outer = aggregate.aggregateExpressions.map { column =>
      if (callsResult(column))
        column
          .transformDown {
            case part if part.isInstanceOf[AggregateExpression] || isGrouping(part, aggregate) =>
              val named = part match {
                case attribute: Attribute => attribute
                case other => Alias(other, "aggregated")()
              }
              inner += named
              named.toAttribute
          }
          .asInstanceOf[NamedExpression]
      else {
        inner += column
        column.toAttribute
      }
    }
    Project(outer, aggregate.copy(aggregateExpressions = inner.result()))
  }

  private def isGrouping(part: Expression, aggregate: Aggregate): Boolean =
    aggregate.groupingExpressions.exists(_.semanticEquals(part))

  /** An image made of both sides is known only after the join. */
  private def aboveJoin(join: Join): LogicalPlan = {
    def fits(call: PredictImage) = join.children.exists(child => call.references.subsetOf(child.outputSet))
    val (above, on) = join.condition.toSeq
      .flatMap(PushThroughRows.conjuncts)
      .partition(_.exists { case call: PredictImage => !fits(call); case _ => false })
    if (above.isEmpty) join else Filter(above.reduce(And), join.copy(condition = on.reduceOption(And)))
  }
}
