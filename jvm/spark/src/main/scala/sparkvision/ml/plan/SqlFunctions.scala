package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry.FunctionBuilder
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo

/** The functions that SparkVision adds to SQL. */
private[ml] object SqlFunctions {

  val scalars: Seq[(FunctionIdentifier, ExpressionInfo, FunctionBuilder)] = Seq(
    (
      FunctionIdentifier(PredictPicture.Name),
      information[PredictPicture](PredictPicture.Name, PredictPicture.Usage),
      PredictPicture.of
    )
  )

  /** What `DESCRIBE FUNCTION` shows. */
  private def information[F: reflect.ClassTag](name: String, usage: String): ExpressionInfo =
    new ExpressionInfo(reflect.classTag[F].runtimeClass.getName, null, name, usage, "", "", "", "", "", "", "scala_udf")
}
