package sparkvision.engine

import java.util.Arrays

/** Weighted sums of 8-bit samples, four samples to an int.
  *
  * The JVM of Java 17 vectorises loops over int arrays, but not the widening of bytes, and only where every array is read
  * and written at the same index. Hence the packing, and four arrays of sums.
  *
  * @param length
  *   ints of packed samples
  */
private[engine] final class PackedSums(length: Int) {
  private val sums0, sums1, sums2, sums3 = new Array[Int](length)

  /** Begins anew, with the half that rounds the results. */
  def reset(): Unit = {
    Arrays.fill(sums0, PackedSums.Half)
    Arrays.fill(sums1, PackedSums.Half)
    Arrays.fill(sums2, PackedSums.Half)
    Arrays.fill(sums3, PackedSums.Half)
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
    var i = 0
    while (i < s0.length) {
      packed(i) = PackedSums.sample(s0(i)) | PackedSums.sample(s1(i)) << 8 | PackedSums.sample(s2(i)) << 16 |
        PackedSums.sample(s3(i)) << 24
      i += 1
    }
  }
}

private[engine] object PackedSums {
  private final val Half = 1 << (Coefficients.PrecisionBits - 1)

  /** The sum as a sample between 0 and 255. Without Math.min and max, which the JVM does not vectorise. */
  private def sample(sum: Int): Int = {
    val value = sum >> Coefficients.PrecisionBits
    val notNegative = value & ~(value >> 31)
    (notNegative | (255 - notNegative) >> 31) & 0xff
  }
}
