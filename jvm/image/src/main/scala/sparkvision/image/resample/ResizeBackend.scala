package sparkvision.image.resample

import sparkvision.image.ProcessorException

/** Whose arithmetic a resize follows. */
sealed abstract class ResizeBackend(val name: String) {
  override def toString: String = name
}

object ResizeBackend {

  /** Pillow's, which the slow image processors of transformers use. */
  case object Pillow extends ResizeBackend("pillow")

  /** That of torchvision for 8-bit tensors on a processor with AVX2, which the fast image processors use: torch's
    * `interpolate` with antialiasing. It knows BILINEAR and BICUBIC.
    */
  case object Torchvision extends ResizeBackend("torchvision")

  val all: Seq[ResizeBackend] = Seq(Pillow, Torchvision)

  /** The backend of a name.
    *
    * @throws ProcessorException
    *   for any other name
    */
  def byName(name: String): ResizeBackend = all
    .find(_.name == name)
    .getOrElse(throw new ProcessorException(s"resizeBackend is \"$name\": use one of ${all.mkString(", ")}"))
}
