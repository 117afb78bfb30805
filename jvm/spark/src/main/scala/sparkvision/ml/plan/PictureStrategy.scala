package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

/** Plans this package's operators. */
private[ml] object PictureStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case pictures @ MapPictures(picture, origin, defaultOrigin, argument, function, added, child, _) =>
      Seq(
        MapPicturesExec(picture, origin, defaultOrigin, argument, function, pictures.passed, added, planLater(child))
      )
    case MapVectors(vector, function, added, child) =>
      Seq(MapVectorsExec(vector, function, added, planLater(child)))
    case GroupDuplicates(settings, output, child) => Seq(GroupDuplicatesExec(settings, output, planLater(child)))
    case _ => Nil
  }
}
