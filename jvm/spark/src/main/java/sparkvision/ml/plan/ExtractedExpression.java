package sparkvision.ml.plan;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;

/**
 * An expression that the optimizer takes out of every plan before it runs.
 *
 * <p>In Java for the sake of one jar for all of Spark 4: Scala compiles calls to all that a trait inherits into the class
 * that mixes it in, and what {@code Unevaluable} inherits in Spark 4.0 is gone in 4.3.
 */
abstract class ExtractedExpression extends Expression implements Unevaluable {

  @Override
  public Object eval(InternalRow input) {
    throw notExtracted();
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    throw notExtracted();
  }

  private UnsupportedOperationException notExtracted() {
    return new UnsupportedOperationException(
        prettyName() + " cannot be used in this place of a query: select it in a subquery, and use its result.");
  }
}
