package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

/** Plans [[MapPictures]] as [[MapPicturesExec]]. */
private[ml] object PictureStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case pictures @ MapPictures(picture, origin, defaultOrigin, argument, function, added, child, _) =>
      Seq(
        MapPicturesExec(picture, origin, defaultOrigin, argument, function, pictures.passed, added, planLater(child))
      )
    case _ => Nil
  }
}
