package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.plans.{Cross, Inner, InnerLike, LeftAnti, LeftOuter, LeftSemi, RightOuter}
import org.apache.spark.sql.catalyst.rules.Rule

import sparkvision.ml.task.RowFunction

/** Takes [[PredictImage]] out of a plan's expressions: an operator below computes the prediction in batches, and the column
  * of its result replaces the expression. Spark's `ExtractPythonUDFs` does the same for Python functions.
  *
  * The rule runs after Spark's own rules, which by then have moved each filter to where it belongs. What a query asks of
  * one image and model is computed once, also where a filter and the select list both ask for it.
  */
final private[plan] class ExtractPredictions(spark: SparkSession) extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan match {
    // A correlated subquery becomes part of a join later, and the rule sees it again then.
    case subquery: Subquery if subquery.correlated => plan
    case _ if !hasCalls(plan) => plan
    case _ => plan.transformUpWithSubqueries { case node if isCalling(node) => extract(AroundCalls(node)) }
  }

  private def hasCalls(plan: LogicalPlan): Boolean =
    plan.exists(node => isCalling(node) || node.subqueries.exists(hasCalls))

  private def isCalling(node: LogicalPlan): Boolean = node.expressions.exists(_.exists(_.isInstanceOf[PredictImage]))

  /** @param plan
    *   one operator, or the two that it was split into
    */
  private def extract(plan: LogicalPlan): LogicalPlan = plan match {
    case Project(columns, aggregate: Aggregate) => extractHere(Project(columns, extractHere(aggregate)))
    case Filter(condition, join: Join) => extractHere(Filter(condition, extractHere(join)))
    case other => extractHere(other)
  }

  /** The node, with its calls computed below it. */
  private def extractHere(node: LogicalPlan): LogicalPlan = {
    val calls = node.expressions.flatMap(_.collect { case call: PredictImage => call })
    if (calls.isEmpty) node
    else {
      val start = (node.children.toIndexedSeq, Map.empty[Expression, Attribute])
      val (children, results) = calls.foldLeft(start) {
        case (done @ (_, known), call) if known.contains(call.canonicalized) => done
        case ((children, known), call) =>
          val index = children.indexWhere(child => call.references.subsetOf(child.outputSet))
          if (index < 0) refuse(call)
          val (child, result) = computed(children(index), call)
          (children.updated(index, child), known + (call.canonicalized -> result))
      }
      val rewritten = node.withNewChildren(children).transformExpressions { case call: PredictImage =>
        results(call.canonicalized)
      }
      if (rewritten.output == node.output) rewritten else Project(node.output, rewritten)
    }
  }

  private def refuse(call: PredictImage): Nothing =
    throw new PlanningException(
      s"${call.sql} cannot be computed where the query uses it, in a lambda function or an outer join's condition over " +
        "both sides. Compute it in a subquery, and use its result; of an array's images, explode the array first."
    )

  /** The plan with the call's result among its columns. */
  private def computed(plan: LogicalPlan, call: PredictImage): (LogicalPlan, Attribute) = {
    val function = call.function(spark)
    ReusedResult.find(plan, call.image, function).getOrElse {
      val result = AttributeReference(call.prettyName, call.dataType, call.nullable)()
      (MapRows(RowMapping.valuesOf(call.image), function, Seq(result), plan), result)
    }
  }
}

/** Splits an operator below which a call cannot be computed: the call moves to a new operator above. */
private[plan] object AroundCalls {
  def apply(node: LogicalPlan): LogicalPlan = node match {
    case aggregate: Aggregate if aggregate.aggregateExpressions.exists(callsResult) => aboveAggregate(aggregate)
    case join: Join if join.joinType.isInstanceOf[InnerLike] => aboveJoin(join)
    case other => other
  }

  /** Whether a call reads what the aggregate computes, and not what the aggregate reads. */
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

  /** An image that is computed from both sides is known only after the join. */
  private def aboveJoin(join: Join): LogicalPlan = {
    def fits(call: PredictImage) = join.children.exists(child => call.references.subsetOf(child.outputSet))
    val (above, on) = join.condition.toSeq
      .flatMap(PushThroughRows.conjuncts)
      .partition(_.exists { case call: PredictImage => !fits(call); case _ => false })
    if (above.isEmpty) join else Filter(above.reduce(And), join.copy(condition = on.reduceOption(And)))
  }
}

/** Finds a result that a plan computes already, for example for a filter. */
private[plan] object ReusedResult {

  /** The plan, with the result added to its output, and the column of the result. */
  def find(plan: LogicalPlan, image: Expression, function: RowFunction[_]): Option[(LogicalPlan, Attribute)] =
    plan match {
      case same: MapRows if same.function == function && same.values.head.semanticEquals(image) =>
        Some(same -> same.added.head)
      case project: Project =>
        find(project.child, image, function).map { case (child, result) =>
          val columns =
            if (project.outputSet.contains(result)) project.projectList else project.projectList :+ result
          (Project(columns, child), result)
        }
      case _: MapRows | _: Filter | _: Sort | _: LocalLimit | _: GlobalLimit => inChild(plan, 0, image, function)
      case join: Join =>
        val fromLeft = join.joinType match {
          case Inner | Cross | LeftOuter | LeftSemi | LeftAnti => inChild(join, 0, image, function)
          case _ => None
        }
        fromLeft.orElse(join.joinType match {
          case Inner | Cross | RightOuter => inChild(join, 1, image, function)
          case _ => None
        })
      case _ => None
    }

  private def inChild(plan: LogicalPlan, index: Int, image: Expression, function: RowFunction[_]) =
    find(plan.children(index), image, function).map { case (child, result) =>
      (plan.withNewChildren(plan.children.updated(index, child)), result)
    }
}
