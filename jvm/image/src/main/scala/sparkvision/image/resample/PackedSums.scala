package sparkvision.image.resample

import java.util.Arrays

/** Weighted sums of 8-bit samples, four samples to an int.
  *
  * The JVM of Java 17 vectorises loops over int arrays, but not the widening of bytes, and only where every array is read
  * and written at the same index. Hence the packing, and four arrays of sums.
  *
  * @param length
  *   ints of packed samples
  * @param precision
  *   binary digits of the weights behind the point
  */
private[sparkvision] final class PackedSums(length: Int, precision: Int) {
  private val sums0, sums1, sums2, sums3 = new Array[Int](length)

  /** Begins anew, with the half that rounds the results. */
  def reset(): Unit = {
    val half = 1 << (precision - 1)
    Arrays.fill(sums0, half)
    Arrays.fill(sums1, half)
    Arrays.fill(sums2, half)
    Arrays.fill(sums3, half)
  }

  /** Adds each sample times a fixed-point weight. */
  def add(packed: Array[Int], weight: Int): Unit = {
    // Local names: fields would be read anew at each step.
    val (s0, s1, s2, s3) = (sums0, sums1, sums2, sums3)
    var i = 0
    while (i < s0.length) {
      val samples = packed(i)
      s0(i) += (samples & 0xff) * weight
      s1(i) += ((samples >>> 8) & 0xff) * weight
      s2(i) += ((samples >>> 16) & 0xff) * weight
      s3(i) += (samples >>> 24) * weight
      i += 1
    }
  }

  /** The sums as packed samples again. */
  def writeTo(packed: Array[Int]): Unit = {
    val (s0, s1, s2, s3) = (sums0, sums1, sums2, sums3)
    val digits = precision
    var i = 0
    while (i < s0.length) {
      packed(i) = PackedSums.clip(s0(i) >> digits) | PackedSums.clip(s1(i) >> digits) << 8 | PackedSums.clip(
        s2(i) >> digits
      ) << 16 |
        PackedSums.clip(s3(i) >> digits) << 24
      i += 1
    }
  }
}

private[sparkvision] object PackedSums {

  /** The value, brought to between 0 and 255. Without Math.min and max, which the JVM does not vectorise. */
  private def clip(value: Int): Int = {
    val notNegative = value & ~(value >> 31)
    (notNegative | (255 - notNegative) >> 31) & 0xff
  }
}
