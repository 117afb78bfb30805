package sparkvision.ml.param

/** Which values a Param may have.
  *
  * Spark's own validators do not tell the allowed values when they refuse one, and `ParamManifest` cannot read them: it
  * gives them to the Python stages, which check the same before any JVM is asked.
  *
  * @tparam T
  *   the Param's type
  */
sealed abstract private[ml] class AllowedValues[T] extends (T => Boolean) with Serializable {

  /** The Param's name. */
  def param: String

  /** The allowed values, to follow "must be". */
  def inWords: String

  protected def isAllowed(value: T): Boolean

  /** @throws IllegalArgumentException
    *   when the value is not allowed: what Spark throws for its own Params
    */
  final override def apply(value: T): Boolean =
    if (isAllowed(value)) true else throw new IllegalArgumentException(s"$param must be $inWords, not $value.")
}

private[ml] object AllowedValues {

  /** One of a few names. */
  final case class OneOf(param: String, names: Seq[String]) extends AllowedValues[String] {
    override def inWords: String = s"one of ${names.mkString(", ")}"
    override protected def isAllowed(value: String): Boolean = names.contains(value)
  }

  /** A number from `lowest` to `highest`, both included; None: there is no highest. */
  final case class NumberFrom[T](param: String, lowest: T, highest: Option[T] = None)(implicit numeric: Numeric[T])
      extends AllowedValues[T] {
    override def inWords: String = highest.fold(s"at least $lowest")(highest => s"between $lowest and $highest")

    // As doubles, of which NaN is in no range.
    override protected def isAllowed(value: T): Boolean = {
      val number = numeric.toDouble(value)
      number >= numeric.toDouble(lowest) && highest.forall(number <= numeric.toDouble(_))
    }
  }
}
