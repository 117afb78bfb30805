package sparkvision.engine.similarity

import java.nio.FloatBuffer

/** Vectors of length 1: a cosine depends only on the direction of a vector. */
private[sparkvision] object UnitVector {

  /** @param values
    *   the vector, or null
    * @param dimension
    *   the length that the array must have
    * @return
    *   the vector divided by its Euclidean length, or the reason why it has no direction
    */
  def of(values: Array[Double], dimension: Int): Either[String, Array[Float]] =
    if (values == null) Left("the vector is null")
    else if (values.length != dimension)
      Left(s"the vector has ${values.length} numbers, and those of the index have $dimension")
    else {
      // The values are divided by the largest first, because the squares of very large and very small numbers are not
      // representable.
      val largest = values.foldLeft(0.0)((most, value) => math.max(most, math.abs(value)))
      if (!(largest < Double.PositiveInfinity))
        Left("the vector contains NaN or infinity") // negated, so that NaN is refused too
      else if (largest == 0) Left("the vector is all zeros and has no direction")
      else {
        val scaled = values.map(_ / largest)
        val length = math.sqrt(scaled.map(value => value * value).sum)
        Right(scaled.map(value => (value / length).toFloat))
      }
    }

  /** The cosine between a unit vector and the unit vector that starts at `start` in the buffer. Products and sum are computed
    * in double precision and in order, so that the result does not depend on `start`.
    */
  def cosine(vector: Array[Float], others: FloatBuffer, start: Int): Float = {
    var sum = 0.0
    var i = 0
    while (i < vector.length) {
      sum += others.get(start + i).toDouble * vector(i)
      i += 1
    }
    // Unit vectors in float32 have length 1 except for rounding.
    math.max(-1.0, math.min(1.0, sum)).toFloat
  }
}
