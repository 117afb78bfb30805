package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{And, AttributeSet, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.{Filter, LocalLimit, LogicalPlan, Project}
import org.apache.spark.sql.catalyst.rules.Rule

/** Runs no picture whose result nobody reads: filters and limits move below the model, and a model of which no column is
  * read leaves the plan, unless it drops rows or can fail the query. What only the model reads, commonly the picture, it
  * does not pass on.
  *
  * Spark's own rules move these through operators that they know only.
  */
private[ml] object PushThroughPictures extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.transform {
    case filter @ Filter(condition, pictures: MapPictures) => pushed(filter, Conjuncts.of(condition), pictures)
    case LocalLimit(limit, project @ Project(_, pictures: MapPictures)) if mayLimit(limit, pictures) =>
      LocalLimit(limit, project.copy(child = limited(limit, pictures)))
    case LocalLimit(limit, pictures: MapPictures) if mayLimit(limit, pictures) =>
      LocalLimit(limit, limited(limit, pictures))
    case project @ Project(columns, pictures: MapPictures)
        if isWithoutEffect(pictures) && !columns.exists(_.references.exists(pictures.producedAttributes.contains)) =>
      project.copy(child = pictures.child)
    case project @ Project(_, pictures: MapPictures) =>
      project.copy(child = withoutUnread(pictures, project.references))
    case project @ Project(_, filter @ Filter(condition, pictures: MapPictures)) =>
      project.copy(child = filter.copy(child = withoutUnread(pictures, project.references ++ condition.references)))
  }

  private def withoutUnread(pictures: MapPictures, read: AttributeSet): MapPictures =
    pictures.copy(unread = pictures.child.output.filter(pictures.references.contains).filterNot(read.contains))

  private def pushed(filter: Filter, conditions: Seq[Expression], pictures: MapPictures): LogicalPlan = {
    val (below, above) = conditions.partition { condition =>
      condition.deterministic && condition.references.subsetOf(pictures.child.outputSet)
    }
    if (below.isEmpty) filter
    else {
      val filtered = pictures.copy(child = Filter(below.reduce(And), pictures.child))
      if (above.isEmpty) filtered else Filter(above.reduce(And), filtered)
    }
  }

  private def isWithoutEffect(pictures: MapPictures) = pictures.function.keepsEveryRow && !pictures.function.mayFail

  private def mayLimit(limit: Expression, pictures: MapPictures): Boolean = limit match {
    case Literal(rows: Int, _) =>
      pictures.function.keepsEveryRow && pictures.child.maxRowsPerPartition.forall(_ > rows)
    case _ => false
  }

  private def limited(limit: Expression, pictures: MapPictures): MapPictures =
    pictures.copy(child = LocalLimit(limit, pictures.child))
}
