package sparkvision.ml

import org.apache.spark.sql.{SparkSession, SparkSessionExtensions}

import sparkvision.ml.dedup.GroupDuplicates
import sparkvision.ml.plan.{SessionRules, SqlFunctions}

/** SparkVision's SQL functions for every session of an application: `sparkvision_predict(image, model[, topK])`,
  * `sparkvision_thumbnail(image[, side])` and the table `sparkvision_metrics()`.
  *
  * {{{
  * spark-sql --jars "$(sparkvision jars)" --conf spark.sql.extensions=sparkvision.ml.SparkVisionExtensions
  * }}}
  */
class SparkVisionExtensions extends (SparkSessionExtensions => Unit) {

  override def apply(extensions: SparkSessionExtensions): Unit = {
    SqlFunctions.scalars.foreach(extensions.injectFunction)
    SqlFunctions.tables.foreach(extensions.injectTableFunction)
    // The session has a place for the rules once it exists: this runs before it optimises its first query.
    extensions.injectCheckRule(session => _ => GroupDuplicates.install(session))
  }
}

object SparkVisionExtensions {

  /** The same for one session that was built without the setting. */
  def install(spark: SparkSession): Unit = {
    SessionRules.installWithFunctions(spark)
    GroupDuplicates.install(spark)
  }
}
