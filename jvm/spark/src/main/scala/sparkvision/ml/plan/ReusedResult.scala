package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression}
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.plans.{Cross, Inner, LeftAnti, LeftOuter, LeftSemi, RightOuter}

import sparkvision.ml.task.RowFunction

/** Finds a result that a plan has computed already, for a filter perhaps. */
private[plan] object ReusedResult {

  /** The plan, widened so that it hands the result up, and the result's column. */
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
