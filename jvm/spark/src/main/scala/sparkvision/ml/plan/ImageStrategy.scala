package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

import sparkvision.ml.dedup.{GroupDuplicates, GroupDuplicatesExec}

/** Plans this package's operators. */
private[ml] object ImageStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case images @ MapImages(image, origin, defaultOrigin, argument, function, added, child, _) =>
      Seq(
        MapImagesExec(image, origin, defaultOrigin, argument, function, images.passed, added, planLater(child))
      )
    case MapVectors(vector, function, added, child) =>
      Seq(MapVectorsExec(vector, function, added, planLater(child)))
    case GroupDuplicates(settings, output, child) => Seq(GroupDuplicatesExec(settings, output, planLater(child)))
    case _ => Nil
  }
}
