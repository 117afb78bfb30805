package sparkvision.ml

import org.apache.spark.sql.SparkSessionExtensions

import sparkvision.ml.plan.{SessionRules, SqlFunctions}

/** SparkVision's SQL functions for every session of an application: `sparkvision_predict(picture, model[, topK])`.
  *
  * {{{
  * spark-sql --jars "$(sparkvision jars)" --conf spark.sql.extensions=sparkvision.ml.SparkVisionExtensions
  * }}}
  */
class SparkVisionExtensions extends (SparkSessionExtensions => Unit) {

  override def apply(extensions: SparkSessionExtensions): Unit = {
    SqlFunctions.scalars.foreach(extensions.injectFunction)
    // The rules' place is there once the session is: at the latest before it optimises its first query.
    extensions.injectCheckRule(session => _ => SessionRules.install(session))
  }
}
