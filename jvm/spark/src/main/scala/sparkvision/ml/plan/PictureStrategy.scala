package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

/** Plans [[MapPictures]] as [[MapPicturesExec]], and [[MapVectors]] as [[MapVectorsExec]]. */
private[ml] object PictureStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case MapPictures(picture, origin, defaultOrigin, function, added, child) =>
      Seq(MapPicturesExec(picture, origin, defaultOrigin, function, added, planLater(child)))
    case MapVectors(vector, function, added, child) =>
      Seq(MapVectorsExec(vector, function, added, planLater(child)))
    case _ => Nil
  }
}
