package sparkvision.image.resample

/** What one axis of a resize needs.
  *
  * @param first
  *   for each output position the first input position that counts
  * @param count
  *   for each output position how many input positions count
  * @param taps
  *   the distance between two output positions' weights
  * @param weights
  *   in fixed point
  * @param precision
  *   binary digits of the weights behind the point
  */
private[sparkvision] final class Coefficients(
    val first: Array[Int],
    val count: Array[Int],
    val taps: Int,
    val weights: Array[Int],
    val precision: Int
) {

  /** How many output positions there are. */
  def length: Int = first.length

  /** Behind the last input position that counts for any output. */
  def end: Int = first.last + count.last

  /** The input positions that count for neighbouring outputs. */
  def inputs(outputs: Range): Range = first(outputs.head) until first(outputs.last) + count(outputs.last)

  /** All outputs, in order, neighbours together as long as no more than `most` input positions count for them. */
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

  /** Pillow's digits: 32 bits, less 8 for the sample and 2 for overshoot (`PRECISION_BITS` in Resample.c). */
  private val PillowPrecision = 32 - 8 - 2

  /** @param start
    *   the first output position that is wanted
    * @param length
    *   how many are
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

  /** Pillow's `precompute_coeffs`, which torch follows. */
  private final class Axis(inputSize: Int, outputSize: Int, filter: ResampleFilter) {
    private val scale = inputSize.toDouble / outputSize
    private val filterScale = math.max(scale, 1.0) // shrinking widens the filter, enlarging does not narrow it
    private val support = filter.support * filterScale

    val taps: Int = math.min(math.ceil(support).toInt * 2 + 1, inputSize)

    private def centre(position: Int): Double = (position + 0.5) * scale

    def first(position: Int): Int = math.max((centre(position) - support + 0.5).toInt, 0)

    def count(position: Int): Int = math.min((centre(position) + support + 0.5).toInt, inputSize) - first(position)

    /** One weight for each input position that counts; together 1. */
    def weights(position: Int): Array[Double] = {
      val (start, middle) = (first(position), centre(position))
      val weights = Array.tabulate(count(position)) { tap =>
        filter.weight((tap + start - middle + 0.5) * (1.0 / filterScale))
      }
      val sum = weights.foldLeft(0.0)(_ + _)
      if (sum != 0.0) weights.map(_ / sum) else weights
    }
  }

  /** The most digits with which the largest weight fits 16 bits (`UpSampleKernel.cpp`, the 8-bit kernels). */
  private def torchPrecision(largest: Double): Int =
    (0 until 22).find(digits => (0.5 + largest * (1 << (digits + 1))).toInt >= (1 << 15)).getOrElse(22)

  private def fixedPoint(weight: Double, precision: Int): Int =
    if (weight < 0) (-0.5 + weight * (1 << precision)).toInt else (0.5 + weight * (1 << precision)).toInt
}
