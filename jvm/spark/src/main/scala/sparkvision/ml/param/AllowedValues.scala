package sparkvision.ml.param

/** The values that a Param may have.
  *
  * Spark's own validators do not list the allowed values when they refuse one, and `ParamManifest` cannot read them. It writes
  * the allowed values for the Python stages, which check them before they call the JVM.
  *
  * @tparam T
  *   the Param's type
  */
sealed abstract private[ml] class AllowedValues[T] extends (T => Boolean) with Serializable {

  /** The Param's name. */
  def param: String

  /** The allowed values, in words that follow "must be". */
  def inWords: String

  protected def isAllowed(value: T): Boolean

  /** The value as error messages quote it. */
  protected def quoted(value: T): String = value.toString

  /** Checks a value.
    *
    * @throws IllegalArgumentException
    *   when the value is not allowed; Spark throws the same for its own Params
    */
  final override def apply(value: T): Boolean =
    if (isAllowed(value)) true else throw new IllegalArgumentException(s"$param must be $inWords, not ${quoted(value)}.")
}

private[ml] object AllowedValues {

  /** One of a few names. The message for another name is that of [[sparkvision.image.NamedValues]]. */
  final case class OneOf(param: String, names: Seq[String]) extends AllowedValues[String] {
    override def inWords: String = s"one of ${names.mkString(", ")}"
    override protected def isAllowed(value: String): Boolean = names.contains(value)
    override protected def quoted(value: String): String = s"'$value'"
  }

  /** A number from `lowest` to `highest`, both included; without a highest number when `highest` is None. */
  final case class NumberFrom[T](param: String, lowest: T, highest: Option[T] = None)(implicit numeric: Numeric[T])
      extends AllowedValues[T] {
    override def inWords: String = highest.fold(s"at least $lowest")(highest => s"between $lowest and $highest")

    // NaN is outside of every range.
    override protected def isAllowed(value: T): Boolean = {
      val number = numeric.toDouble(value)
      number >= numeric.toDouble(lowest) && highest.forall(number <= numeric.toDouble(_))
    }
  }
}
