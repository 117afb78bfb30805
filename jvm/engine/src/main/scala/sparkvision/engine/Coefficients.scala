package sparkvision.engine

/** What one axis of a resize needs: Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`.
  *
  * @param first
  *   for each output position the first input position that counts
  * @param count
  *   for each output position how many input positions count
  * @param taps
  *   the distance between two output positions' weights
  * @param weights
  *   in fixed point, [[Coefficients.PrecisionBits]] binary digits
  */
private[engine] final class Coefficients(
    val first: Array[Int],
    val count: Array[Int],
    val taps: Int,
    val weights: Array[Int]
) {

  /** How many output positions there are. */
  def length: Int = first.length

  /** Behind the last input position that counts for any output. */
  def end: Int = first.last + count.last
}

private[engine] object Coefficients {

  /** Fixed-point digits of a weight: 32 bits, less 8 for the sample and 2 for overshoot. */
  final val PrecisionBits = 32 - 8 - 2

  /** @param start
    *   the first output position that is wanted
    * @param length
    *   how many are
    */
  def apply(inputSize: Int, outputSize: Int, start: Int, length: Int, filter: ResampleFilter): Coefficients = {
    val scale = inputSize.toDouble / outputSize
    val filterScale = math.max(scale, 1.0) // shrinking widens the filter, enlarging does not narrow it
    val support = filter.support * filterScale
    val taps = math.min(math.ceil(support).toInt * 2 + 1, inputSize)
    val result = new Coefficients(new Array(length), new Array(length), taps, new Array(length * taps))
    (0 until length).foreach { position =>
      val centre = (start + position + 0.5) * scale
      val first = math.max((centre - support + 0.5).toInt, 0)
      val count = math.min((centre + support + 0.5).toInt, inputSize) - first
      val weights = Array.tabulate(count)(tap => filter.weight((tap + first - centre + 0.5) * (1.0 / filterScale)))
      val sum = weights.foldLeft(0.0)(_ + _)
      result.first(position) = first
      result.count(position) = count
      weights.indices.foreach { tap =>
        result.weights(position * taps + tap) = fixedPoint(if (sum != 0.0) weights(tap) / sum else weights(tap))
      }
    }
    result
  }

  private def fixedPoint(weight: Double): Int =
    if (weight < 0) (-0.5 + weight * (1 << PrecisionBits)).toInt else (0.5 + weight * (1 << PrecisionBits)).toInt
}
