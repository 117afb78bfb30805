package sparkvision.engine.similarity

import java.nio.FloatBuffer

/** A vector's direction, which is all that a cosine compares. */
private[sparkvision] object UnitVector {

  /** @param values
    *   the vector, or null
    * @param dimension
    *   how many numbers it must have
    * @return
    *   the vector divided by its Euclidean length, or why it has no direction
    */
  def of(values: Array[Double], dimension: Int): Either[String, Array[Float]] =
    if (values == null) Left("the vector is null")
    else if (values.length != dimension)
      Left(s"the vector has ${values.length} numbers, and those of the index have $dimension")
    else {
      // Divided by first: the squares of very large and very small numbers are no doubles any more.
      val largest = values.foldLeft(0.0)((most, value) => math.max(most, math.abs(value)))
      if (!(largest < Double.PositiveInfinity)) Left("the vector holds NaN or infinity") // NaN is not below it either
      else if (largest == 0) Left("the vector is all zeros and has no direction")
      else {
        val scaled = values.map(_ / largest)
        val length = math.sqrt(scaled.map(value => value * value).sum)
        Right(scaled.map(value => (value / length).toFloat))
      }
    }

  /** The cosine of a unit vector and the one that starts at a place of the buffer, the same wherever that is: products
    * and sum in double precision, in order.
    */
  def cosine(vector: Array[Float], others: FloatBuffer, start: Int): Float = {
    var sum = 0.0
    var i = 0
    while (i < vector.length) {
      sum += others.get(start + i).toDouble * vector(i)
      i += 1
    }
    // Unit vectors in float32 are of length 1 but for their rounding.
    math.max(-1.0, math.min(1.0, sum)).toFloat
  }
}
