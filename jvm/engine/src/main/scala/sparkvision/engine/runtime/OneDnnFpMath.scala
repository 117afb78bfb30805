package sparkvision.engine.runtime

import sparkvision.image.NamedValues

/** In which arithmetic oneDNN may multiply matrices of float32.
  *
  * @param relativeTolerance
  *   largest difference from the golden output that it may cause, as a share of that output's largest value
  */
sealed abstract class OneDnnFpMath(val name: String, val relativeTolerance: Double) extends Serializable {
  override def toString: String = name
}

object OneDnnFpMath {

  /** float32, the model's own. */
  case object Strict extends OneDnnFpMath("strict", relativeTolerance = 0)

  /** Inputs rounded to bfloat16 (8 bits of mantissa), sums in float32, where the CPU has AMX; elsewhere oneDNN stays with
    * float32. The tolerance is a margin over what `scripts/bench/rounded_inputs` prints.
    */
  case object Bf16 extends OneDnnFpMath("bf16", relativeTolerance = 0.05)

  val all: Seq[OneDnnFpMath] = Seq(Strict, Bf16)

  /** @throws ParameterException
    *   when there is no such mode
    */
  def parse(name: String): OneDnnFpMath = NamedValues.parse("onednnFpMath", all, name)
}
