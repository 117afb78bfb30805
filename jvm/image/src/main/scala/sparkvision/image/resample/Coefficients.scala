package sparkvision.image.resample

/** The weights of a resize along one axis.
  *
  * @param first
  *   for each output position the first input position that contributes
  * @param count
  *   for each output position the number of input positions that contribute
  * @param taps
  *   the distance in `weights` between two output positions
  * @param weights
  *   in fixed point
  * @param precision
  *   fractional binary digits of the weights
  */
private[sparkvision] final class Coefficients(
    val first: Array[Int],
    val count: Array[Int],
    val taps: Int,
    val weights: Array[Int],
    val precision: Int
) {

  /** The number of output positions. */
  def length: Int = first.length

  /** The position behind the last input position that contributes to any output. */
  def end: Int = first.last + count.last

  /** The input positions that contribute to neighbouring outputs. */
  def inputs(outputs: Range): Range = first(outputs.head) until first(outputs.last) + count(outputs.last)

  /** All outputs in order, in ranges to which at most `most` input positions contribute, or one output each. */
  def strips(most: Int): Seq[Range] =
    Seq.unfold(0) { start =>
      Option.when(start < length) {
        val fitting = (start + 1 until length).takeWhile(last => inputs(start to last).size <= most)
        val end = start + 1 + fitting.size
        (start until end, end)
      }
    }
}

private[sparkvision] object Coefficients {

  /** The fractional digits of Pillow: 32 bits without 8 for the sample and 2 for overshoot (`PRECISION_BITS` in Resample.c). */
  private val PillowPrecision = 32 - 8 - 2

  /** The weights for some output positions.
    *
    * @param start
    *   the first output position
    * @param length
    *   the number of output positions
    */
  def apply(
      inputSize: Int,
      outputSize: Int,
      start: Int,
      length: Int,
      filter: ResampleFilter,
      backend: ResizeBackend
  ): Coefficients = {
    val axis = new Axis(inputSize, outputSize, filter)
    val precision = backend match {
      case ResizeBackend.Pillow => PillowPrecision
      case ResizeBackend.Torchvision => torchPrecision((0 until outputSize).iterator.map(axis.weights(_).max).max)
    }
    val weights = new Array[Int](length * axis.taps)
    (0 until length).foreach { position =>
      val fixed = axis.weights(start + position).map(fixedPoint(_, precision))
      System.arraycopy(fixed, 0, weights, position * axis.taps, fixed.length)
    }
    val positions = start until start + length
    new Coefficients(
      positions.map(axis.first).toArray,
      positions.map(axis.count).toArray,
      axis.taps,
      weights,
      precision
    )
  }

  /** Pillow's `precompute_coeffs`; torch computes the same. */
  private final class Axis(inputSize: Int, outputSize: Int, filter: ResampleFilter) {
    private val scale = inputSize.toDouble / outputSize
    private val filterScale =
      math.max(scale, 1.0) // The filter is widened to shrink an image, and is not narrowed to enlarge it.
    private val support = filter.support * filterScale

    val taps: Int = math.min(math.ceil(support).toInt * 2 + 1, inputSize)

    private def centre(position: Int): Double = (position + 0.5) * scale

    def first(position: Int): Int = math.max((centre(position) - support + 0.5).toInt, 0)

    def count(position: Int): Int = math.min((centre(position) + support + 0.5).toInt, inputSize) - first(position)

    /** One weight for each input position that contributes; the sum is 1. */
    def weights(position: Int): Array[Double] = {
      val (start, middle) = (first(position), centre(position))
      val weights = Array.tabulate(count(position)) { tap =>
        filter.weight((tap + start - middle + 0.5) * (1.0 / filterScale))
      }
      val sum = weights.foldLeft(0.0)(_ + _)
      if (sum != 0.0) weights.map(_ / sum) else weights
    }
  }

  /** The largest number of digits with which the largest weight fits into 16 bits (`UpSampleKernel.cpp`, the 8-bit kernels). */
  private def torchPrecision(largest: Double): Int =
    (0 until 22).find(digits => (0.5 + largest * (1 << (digits + 1))).toInt >= (1 << 15)).getOrElse(22)

  private def fixedPoint(weight: Double, precision: Int): Int =
    if (weight < 0) (-0.5 + weight * (1 << precision)).toInt else (0.5 + weight * (1 << precision)).toInt
}
