package sparkvision.image.hash

/** SciPy's `fftpack.dct` of 32 numbers (type II, not normalised), with the same rounding.
  *
  * In an image of a single colour most coefficients are mathematically zero, and their values are rounding errors. The
  * perceptual hash compares these values too, so the order of the additions decides about bits. Therefore the steps are
  * those of pocketfft, which SciPy uses (`pocketfft_hdronly.h`: `T_dcst23`, `rfftp`, `sincos_2pibyn`): neighbours are added
  * and subtracted, the result is treated as the spectrum of a real signal and transformed back by the factors 2, 4 and 4,
  * and the mirrored halves of the signal are combined to the coefficients.
  *
  * The spectrum of a real signal of n numbers contains the real part of entry 0, the real and imaginary parts of the entries
  * 1 to n/2 - 1, and the real part of entry n/2.
  */
private[sparkvision] object CosineTransform {
  val Length = 32
  private val Sqrt2 = Math.sqrt(2)

  /** Transforms [[Length]] numbers.
    *
    * @param samples
    *   [[Length]] numbers
    * @return
    *   as many coefficients: twice the sum of `samples(i) * cos(pi * k * (2 * i + 1) / 64)`
    */
  def apply(samples: Array[Double]): Array[Double] = {
    val values = signal(asSpectrum(samples))
    val middle = Length / 2
    (1 until middle).foreach { k =>
      val (value, mirrored) = (values(k), values(Length - k))
      val sum = quarterCosines(k) * mirrored + quarterCosines(Length - k) * value
      val difference = quarterCosines(k) * value - quarterCosines(Length - k) * mirrored
      values(k) = 0.5 * (sum + difference)
      values(Length - k) = 0.5 * (sum - difference)
    }
    values(middle) *= quarterCosines(middle)
    values
  }

  private def asSpectrum(samples: Array[Double]): Array[Double] = {
    val spectrum = samples.clone()
    spectrum(0) *= 2
    spectrum(Length - 1) *= 2
    (1 until Length - 1 by 2).foreach { k =>
      spectrum(k) = samples(k + 1) + samples(k)
      spectrum(k + 1) = samples(k + 1) - samples(k)
    }
    spectrum
  }

  /** The real signal that has the spectrum, not normalised. */
  private def signal(spectrum: Array[Double]): Array[Double] =
    if (spectrum.length == 1) spectrum
    else {
      val parts = (if (spectrum.length == Length) halves(spectrum) else quarters(spectrum)).map(signal)
      Array.tabulate(spectrum.length)(i => parts(i % parts.length)(i / parts.length))
    }

  private def re(spectrum: Array[Double], entry: Int): Double = spectrum(math.max(2 * entry - 1, 0))

  private def im(spectrum: Array[Double], entry: Int): Double = spectrum(2 * entry)

  /** The spectra of the even and of the odd values of the signal. */
  private def halves(whole: Array[Double]): Array[Array[Double]] = {
    val length = whole.length / 2
    val parts = Array.fill(2)(new Array[Double](length))
    parts(0)(0) = re(whole, 0) + re(whole, length)
    parts(1)(0) = re(whole, 0) - re(whole, length)
    (1 until length / 2).foreach { m =>
      val other = length - m
      put(parts, 0, m, re(whole, m) + re(whole, other), im(whole, m) - im(whole, other))
      put(parts, 1, m, re(whole, m) - re(whole, other), im(whole, m) + im(whole, other))
    }
    parts(0)(length - 1) = 2 * re(whole, length / 2)
    parts(1)(length - 1) = -2 * im(whole, length / 2)
    parts
  }

  /** The spectra of every fourth value, beginning with the first, second, third and fourth value. */
  private def quarters(whole: Array[Double]): Array[Array[Double]] = {
    val length = whole.length / 4
    val parts = Array.fill(4)(new Array[Double](length))
    val (sum, difference) = (re(whole, 0) + re(whole, 2 * length), re(whole, 0) - re(whole, 2 * length))
    parts(0)(0) = sum + 2 * re(whole, length)
    parts(1)(0) = difference - 2 * im(whole, length)
    parts(2)(0) = sum - 2 * re(whole, length)
    parts(3)(0) = difference + 2 * im(whole, length)
    (1 until (length + 1) / 2).foreach(quarterEntry(whole, parts, _))
    if (length > 1) lastOfQuarters(whole, parts)
    parts
  }

  private def quarterEntry(whole: Array[Double], parts: Array[Array[Double]], m: Int): Unit = {
    val length = parts(0).length
    val (first, second, third, fourth) = (m, length + m, length - m, 2 * length - m)
    val (outerSum, outerDifference) = (re(whole, first) + re(whole, fourth), re(whole, first) - re(whole, fourth))
    val (outerImSum, outerImDifference) = (im(whole, first) + im(whole, fourth), im(whole, first) - im(whole, fourth))
    val (innerSum, innerDifference) = (re(whole, second) + re(whole, third), re(whole, second) - re(whole, third))
    val (innerImSum, innerImDifference) = (im(whole, second) + im(whole, third), im(whole, second) - im(whole, third))
    put(parts, 0, m, outerSum + innerSum, outerImDifference + innerImDifference)
    put(parts, 1, m, outerDifference - innerImSum, outerImSum + innerDifference)
    put(parts, 2, m, outerSum - innerSum, outerImDifference - innerImDifference)
    put(parts, 3, m, outerDifference + innerImSum, outerImSum - innerDifference)
  }

  /** The middle entry of each quarter's spectrum, whose root of unity has equal real and imaginary parts. */
  private def lastOfQuarters(whole: Array[Double], parts: Array[Array[Double]]): Unit = {
    val length = parts(0).length
    val (near, far) = (length / 2, 2 * length - length / 2)
    val (imSum, imDifference) = (im(whole, far) + im(whole, near), im(whole, far) - im(whole, near))
    val (sum, difference) = (re(whole, near) + re(whole, far), re(whole, near) - re(whole, far))
    parts(0)(length - 1) = sum + sum
    parts(1)(length - 1) = Sqrt2 * (difference - imSum)
    parts(2)(length - 1) = imDifference + imDifference
    parts(3)(length - 1) = -Sqrt2 * (difference + imSum)
  }

  /** Writes an entry of a part's spectrum, multiplied by the root of unity of the part. */
  private def put(parts: Array[Array[Double]], part: Int, entry: Int, re: Double, im: Double): Unit = {
    val root = part * entry * (Length / (parts.length * parts(part).length))
    val (cos, sin) = (rootCosines(root), rootSines(root))
    parts(part)(2 * entry - 1) = if (root == 0) re else cos * re - sin * im
    parts(part)(2 * entry) = if (root == 0) im else cos * im + sin * re
  }

  // An angle of 45 degrees belongs to the second half of the quadrant, in which pocketfft exchanges the functions.
  private val rootCosines = Array.tabulate(8)(k => cosine(k, Length))
  private val rootSines = Array.tabulate(8)(k => sine(k, Length))

  /** The cosines of `k` / 128 of a circle. From the 17th on each is the product of two roots, as in pocketfft. */
  private val quarterCosines = Array.tabulate(Length) { k =>
    val circle = 4 * Length
    if (k <= 16) cosine(k, circle)
    else cosine(k - 16, circle) * cosine(16, circle) - sine(k - 16, circle) * sine(16, circle)
  }

  private def cosine(part: Int, circle: Int): Double =
    if (8 * part < circle) cos(part * (2 * Math.PI / circle)) else sin((circle / 4 - part) * (2 * Math.PI / circle))

  private def sine(part: Int, circle: Int): Double =
    if (8 * part < circle) sin(part * (2 * Math.PI / circle)) else cos((circle / 4 - part) * (2 * Math.PI / circle))

  // The values are rounded correctly, as glibc's are for these angles. The last bits of Math.cos depend on the machine;
  // StrictMath.cos is the same everywhere but differs from glibc for one of the angles.
  private def cos(angle: Double): Double = series(angle, first = 1, factor = 1)
  private def sin(angle: Double): Double = series(angle, first = BigDecimal.exact(angle), factor = 2)

  /** The sum of a Taylor series with 34 digits.
    *
    * @param factor
    *   the smaller of the two factors by which the second term is divided
    */
  private def series(angle: Double, first: BigDecimal, factor: Int): Double = {
    val terms = Iterator.iterate((first, factor)) { case (term, n) =>
      (-term * BigDecimal.exact(angle).pow(2) / (n * (n + 1)), n + 2)
    }
    terms.map(_._1).take(20).sum.toDouble
  }
}
