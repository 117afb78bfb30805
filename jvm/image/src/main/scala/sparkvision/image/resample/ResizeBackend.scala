package sparkvision.image.resample

import sparkvision.image.{NamedValue, NamedValues, ProcessorException, SparkVisionException}

/** Whose arithmetic a resize follows. */
sealed abstract class ResizeBackend(val name: String) extends NamedValue

object ResizeBackend extends NamedValues[ResizeBackend]("resizeBackend") {

  /** Pillow's, which the slow image processors of transformers use. */
  case object Pillow extends ResizeBackend("pillow")

  /** That of torchvision for 8-bit tensors on a processor with AVX2, which the fast image processors use: torch's
    * `interpolate` with antialiasing. It knows BILINEAR and BICUBIC.
    */
  case object Torchvision extends ResizeBackend("torchvision")

  override val all: Seq[ResizeBackend] = Seq(Pillow, Torchvision)

  override protected def refusal(message: String): SparkVisionException = new ProcessorException(message)
}
