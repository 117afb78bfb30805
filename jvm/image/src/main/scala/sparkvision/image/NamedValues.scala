package sparkvision.image

/** One value of a setting that users choose by name. */
trait NamedValue extends Serializable {

  /** The name by which users choose the value. */
  def name: String

  final override def toString: String = name
}

/** The values of a setting that users choose by name; the companion object of the values' class extends it.
  *
  * @param setting
  *   the setting's name, for error messages
  * @example
  *   {{{
  *   sealed abstract class Precision(val name: String) extends NamedValue
  *
  *   object Precision extends NamedValues[Precision]("precision") {
  *     case object Full extends Precision("fp32")
  *     case object Half extends Precision("fp16")
  *
  *     override val all: Seq[Precision] = Seq(Full, Half)
  *   }
  *
  *   Precision.parse("fp16") // Precision.Half
  *   }}}
  */
abstract class NamedValues[V <: NamedValue](setting: String) {

  /** All values, in the order in which documentation and error messages list them. */
  def all: Seq[V]

  /** The value with this name, or None when there is no such value. */
  def find(name: String): Option[V] = all.find(_.name == name)

  /** The value with this name.
    *
    * @throws SparkVisionException
    *   when there is no such value; the message lists the values that exist. It is a [[ParameterException]], or a
    *   [[ProcessorException]] for a setting of an image processor
    */
  final def parse(name: String): V = find(name).getOrElse(
    throw refusal(s"$setting must be one of ${all.mkString(", ")}, not '$name'.")
  )

  /** The exception for a name that no value has. */
  protected def refusal(message: String): SparkVisionException = new ParameterException(message)
}
