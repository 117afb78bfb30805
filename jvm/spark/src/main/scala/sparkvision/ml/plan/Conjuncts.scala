package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{And, Expression}

private[plan] object Conjuncts {

  /** The conditions that `condition` joins by AND. */
  def of(condition: Expression): Seq[Expression] = condition match {
    case And(left, right) => of(left) ++ of(right)
    case other => Seq(other)
  }
}
