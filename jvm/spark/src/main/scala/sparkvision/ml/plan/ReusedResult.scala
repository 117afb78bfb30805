package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression}
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.plans.{Cross, Inner, LeftAnti, LeftOuter, LeftSemi, RightOuter}

import sparkvision.ml.PictureFunction

/** Finds a result that a plan has computed already, for a filter perhaps. */
private[plan] object ReusedResult {

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
