package sparkvision.image.resample

import sparkvision.image.{NamedValue, NamedValues, ProcessorException, SparkVisionException}

/** Pillow's resampling filters, with the numbers and names of `PIL.Image.Resampling`.
  *
  * The weights are those of Pillow's `Resample.c`, so that the results of [[Resample]] are equal bit for bit.
  *
  * @param id
  *   the number of the filter in `resample` of a `preprocessor_config.json`
  * @param support
  *   the radius of the filter at scale 1, in pixels
  */
sealed abstract class ResampleFilter(val id: Int, val name: String, val support: Double) extends NamedValue {

  /** The weight of a pixel at the distance `x` from the centre; 0 outside of the support. */
  private[sparkvision] def weight(x: Double): Double
}

object ResampleFilter extends NamedValues[ResampleFilter]("resample") {

  /** The nearest pixel, without weights. */
  case object Nearest extends ResampleFilter(0, "NEAREST", 0.0) {
    private[sparkvision] def weight(x: Double): Double = if (x > -0.5 && x <= 0.5) 1.0 else 0.0
  }

  /** A windowed sinc over three pixels on each side. */
  case object Lanczos extends ResampleFilter(1, "LANCZOS", 3.0) {
    private[sparkvision] def weight(x: Double): Double = if (-3.0 <= x && x < 3.0) sinc(x) * sinc(x / 3) else 0.0

    private def sinc(x: Double): Double = if (x == 0.0) 1.0 else Math.sin(x * Math.PI) / (x * Math.PI)
  }

  /** Linear interpolation, widened when shrinking. */
  case object Bilinear extends ResampleFilter(2, "BILINEAR", 1.0) {
    private[sparkvision] def weight(x: Double): Double = Math.max(1.0 - Math.abs(x), 0.0)
  }

  /** Keys' cubic convolution with a = -0.5. */
  case object Bicubic extends ResampleFilter(3, "BICUBIC", 2.0) {
    private val a = -0.5

    private[sparkvision] def weight(x: Double): Double = {
      val d = Math.abs(x)
      if (d < 1.0) ((a + 2.0) * d - (a + 3.0)) * d * d + 1
      else if (d < 2.0) (((d - 5) * d + 8) * d - 4) * a
      else 0.0
    }
  }

  /** The mean of the pixels that the output pixel covers. */
  case object Box extends ResampleFilter(4, "BOX", 0.5) {
    private[sparkvision] def weight(x: Double): Double = if (x > -0.5 && x <= 0.5) 1.0 else 0.0
  }

  /** A sinc with a Hamming window over one pixel on each side. */
  case object Hamming extends ResampleFilter(5, "HAMMING", 1.0) {
    // Pillow stores the two constants of the window in single precision.
    private val offset = 0.54f.toDouble
    private val amplitude = 0.46f.toDouble

    private[sparkvision] def weight(x: Double): Double = {
      val d = Math.abs(x)
      if (d == 0.0) 1.0
      else if (d >= 1.0) 0.0
      else Math.sin(d * Math.PI) / (d * Math.PI) * (offset + amplitude * Math.cos(d * Math.PI))
    }
  }

  /** All filters, ordered by their numbers. */
  override val all: Seq[ResampleFilter] = Seq(Nearest, Lanczos, Bilinear, Bicubic, Box, Hamming)

  /** The filter with Pillow's number, 0 to 5.
    *
    * @throws ProcessorException
    *   for any other number
    * @example
    *   {{{ResampleFilter.byId(2) // BILINEAR}}}
    */
  def byId(id: Int): ResampleFilter = all
    .find(_.id == id)
    .getOrElse(
      throw new ProcessorException(
        s"resample is $id: use one of ${all.map(filter => s"${filter.id} (${filter.name})").mkString(", ")}"
      )
    )

  /** The filter with Pillow's name, in upper or lower case. */
  override def find(name: String): Option[ResampleFilter] = all.find(_.name.equalsIgnoreCase(name))

  override protected def refusal(message: String): SparkVisionException = new ProcessorException(message)
}
