package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule

import sparkvision.engine.ParameterException
import sparkvision.ml.{PredictStruct, PictureFunction}

/** Takes [[PredictPicture]] out of a plan's expressions: an operator below computes it in batches, and its result's column
  * stands in its place. Spark's `ExtractPythonUDFs` does the same for Python functions.
  *
  * It runs after Spark's own rules, which by then have moved each filter to where it belongs. What a query asks of one
  * picture and model is computed once, also where a filter and the select list both ask for it.
  */
final private[ml] class ExtractPredictions(spark: SparkSession) extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan match {
    // It becomes part of a join later, and is seen again then.
    case subquery: Subquery if subquery.correlated => plan
    case _ =>
      plan.transformUpWithSubqueries { case node if node.expressions.exists(isOrHasCall) => extract(AroundCalls(node)) }
  }

  private def isOrHasCall(expression: Expression): Boolean = expression.exists(_.isInstanceOf[PredictPicture])

  /** The operators that [[AroundCalls]] gave, with the calls of each taken out. */
  private def extract(plan: LogicalPlan): LogicalPlan = {
    val inner = plan match {
      case Project(columns, aggregate: Aggregate) => Project(columns, extractHere(aggregate))
      case Filter(condition, join: Join) => Filter(condition, extractHere(join))
      case other => other
    }
    extractHere(inner)
  }

  private def extractHere(node: LogicalPlan): LogicalPlan = {
    val calls = node.expressions.flatMap(_.collect { case call: PredictPicture => call })
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
      val rewritten = node.withNewChildren(children).transformExpressions { case call: PredictPicture =>
        results(call.canonicalized)
      }
      if (rewritten.output == node.output) rewritten else Project(node.output, rewritten)
    }
  }

  private def refuse(call: PredictPicture): Nothing =
    throw new ParameterException(
      s"${call.sql} cannot be computed where the query uses it, in a lambda function or an outer join's condition over " +
        "both sides. Compute it in a subquery, and use its result; of an array's pictures, explode the array first."
    )

  /** The plan with the call's result among its columns. */
  private def computed(plan: LogicalPlan, call: PredictPicture): (LogicalPlan, Attribute) = {
    val function = PredictStruct(call.uri, call.labelCount, spark)
    ReusedResult.find(plan, call.picture, function).getOrElse {
      val result = AttributeReference(call.prettyName, call.dataType, call.nullable)()
      val none = Literal(null, org.apache.spark.sql.types.StringType)
      (MapPictures(call.picture, none, none, function, Seq(result), plan), result)
    }
  }
}

/** Finds a result that a plan has computed already, for a filter perhaps. */
private object ReusedResult {
  import org.apache.spark.sql.catalyst.plans.{Cross, Inner, LeftAnti, LeftOuter, LeftSemi, RightOuter}

  /** The plan, widened so that it hands the result up, and the result's column. */
  def find(plan: LogicalPlan, picture: Expression, function: PictureFunction): Option[(LogicalPlan, Attribute)] =
    plan match {
      case same: MapPictures if same.function == function && same.picture.semanticEquals(picture) =>
        Some(same -> same.added.head)
      case project: Project =>
        find(project.child, picture, function).map { case (child, result) =>
          val columns =
            if (project.outputSet.contains(result)) project.projectList else project.projectList :+ result
          (Project(columns, child), result)
        }
      case _: MapPictures | _: Filter | _: Sort | _: LocalLimit | _: GlobalLimit => inChild(plan, 0, picture, function)
      case join: Join =>
        val fromLeft = join.joinType match {
          case Inner | Cross | LeftOuter | LeftSemi | LeftAnti => inChild(join, 0, picture, function)
          case _ => None
        }
        fromLeft.orElse(join.joinType match {
          case Inner | Cross | RightOuter => inChild(join, 1, picture, function)
          case _ => None
        })
      case _ => None
    }

  private def inChild(plan: LogicalPlan, index: Int, picture: Expression, function: PictureFunction) =
    find(plan.children(index), picture, function).map { case (child, result) =>
      (plan.withNewChildren(plan.children.updated(index, child)), result)
    }
}

/** Splits an operator that cannot have a call's result below it: the call moves into one of its own above. */
private object AroundCalls {
  import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
  import org.apache.spark.sql.catalyst.plans.InnerLike

  def apply(node: LogicalPlan): LogicalPlan = node match {
    case aggregate: Aggregate if aggregate.aggregateExpressions.exists(callsResult) => aboveAggregate(aggregate)
    case join: Join if join.joinType.isInstanceOf[InnerLike] => aboveJoin(join)
    case other => other
  }

  /** Whether a call is made of what the aggregate computes, not of what it reads. */
  private def callsResult(expression: Expression): Boolean = expression match {
    case _: AggregateExpression => false
    case _: PredictPicture => true
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

  /** A picture made of both sides is known only after the join. */
  private def aboveJoin(join: Join): LogicalPlan = {
    def fits(call: PredictPicture) = join.children.exists(child => call.references.subsetOf(child.outputSet))
    val (above, on) = join.condition.toSeq
      .flatMap(Conjuncts.of)
      .partition(_.exists { case call: PredictPicture => !fits(call); case _ => false })
    if (above.isEmpty) join else Filter(above.reduce(And), join.copy(condition = on.reduceOption(And)))
  }
}
