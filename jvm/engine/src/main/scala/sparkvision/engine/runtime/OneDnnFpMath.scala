package sparkvision.engine.runtime

import sparkvision.image.{NamedValue, NamedValues}

/** In which arithmetic oneDNN may multiply matrices of float32.
  *
  * @param relativeTolerance
  *   largest difference from the golden output that it may cause, as a share of that output's largest value
  */
sealed abstract class OneDnnFpMath(val name: String, val relativeTolerance: Double) extends NamedValue

object OneDnnFpMath extends NamedValues[OneDnnFpMath]("onednnFpMath") {

  /** float32, the model's own. */
  case object Strict extends OneDnnFpMath("strict", relativeTolerance = 0)

  /** Inputs rounded to bfloat16 (8 bits of mantissa), sums in float32, where the CPU has AMX; elsewhere oneDNN stays with
    * float32. The tolerance is a margin over what `scripts/bench/rounded_inputs` prints.
    */
  case object Bf16 extends OneDnnFpMath("bf16", relativeTolerance = 0.05)

  override val all: Seq[OneDnnFpMath] = Seq(Strict, Bf16)
}
