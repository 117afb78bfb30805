package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule

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
