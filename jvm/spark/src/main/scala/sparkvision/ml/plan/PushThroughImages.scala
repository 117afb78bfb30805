package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{And, AttributeSet, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.{Filter, LocalLimit, LogicalPlan, Project}
import org.apache.spark.sql.catalyst.rules.Rule

/** Runs no image whose result nobody reads: filters and limits move below the model, and a model of which no column is
  * read leaves the plan, unless it drops rows or can fail the query. What only the model reads, commonly the image, it
  * does not pass on.
  *
  * Spark's own rules move these through operators that they know only.
  */
private[ml] object PushThroughImages extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.transform {
    case filter @ Filter(condition, images: MapImages) => pushed(filter, Conjuncts.of(condition), images)
    case LocalLimit(limit, project @ Project(_, images: MapImages)) if mayLimit(limit, images) =>
      LocalLimit(limit, project.copy(child = limited(limit, images)))
    case LocalLimit(limit, images: MapImages) if mayLimit(limit, images) =>
      LocalLimit(limit, limited(limit, images))
    case project @ Project(columns, images: MapImages)
        if isWithoutEffect(images) && !columns.exists(_.references.exists(images.producedAttributes.contains)) =>
      project.copy(child = images.child)
    case project @ Project(_, images: MapImages) =>
      project.copy(child = withoutUnread(images, project.references))
    case project @ Project(_, filter @ Filter(condition, images: MapImages)) =>
      project.copy(child = filter.copy(child = withoutUnread(images, project.references ++ condition.references)))
  }

  private def withoutUnread(images: MapImages, read: AttributeSet): MapImages =
    images.copy(unread = images.child.output.filter(images.references.contains).filterNot(read.contains))

  private def pushed(filter: Filter, conditions: Seq[Expression], images: MapImages): LogicalPlan = {
    val (below, above) = conditions.partition { condition =>
      condition.deterministic && condition.references.subsetOf(images.child.outputSet)
    }
    if (below.isEmpty) filter
    else {
      val filtered = images.copy(child = Filter(below.reduce(And), images.child))
      if (above.isEmpty) filtered else Filter(above.reduce(And), filtered)
    }
  }

  private def isWithoutEffect(images: MapImages) = images.function.keepsEveryRow && !images.function.mayFail

  private def mayLimit(limit: Expression, images: MapImages): Boolean = limit match {
    case Literal(rows: Int, _) =>
      images.function.keepsEveryRow && images.child.maxRowsPerPartition.forall(_ > rows)
    case _ => false
  }

  private def limited(limit: Expression, images: MapImages): MapImages =
    images.copy(child = LocalLimit(limit, images.child))
}
