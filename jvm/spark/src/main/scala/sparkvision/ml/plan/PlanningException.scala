package sparkvision.ml.plan

import org.apache.spark.sql.AnalysisException

/** A query that cannot be planned. As Spark's own exception, it reaches users of Python, SQL and Connect as a message
  * without the driver's stack trace.
  */
final private[plan] class PlanningException(message: String, cause: Option[Throwable] = None)
    extends AnalysisException(
      message,
      None,
      None,
      cause,
      // pyspark asks for a condition of Spark's own list; this one says no more than its message.
      Some("USER_RAISED_EXCEPTION"),
      Map("errorMessage" -> message),
      Array.empty
    )
