package sparkvision.engine

/** Pillow's `Image.resize` for 8-bit RGB, bit for bit: the same coefficients, the same fixed-point arithmetic, the same order
  * of the two passes (Pillow's `Resample.c`, and `Geometry.c` for NEAREST).
  */
object Resample {

  /** Fixed-point digits of a coefficient: 32 bits, less 8 for the sample and 2 for overshoot. */
  private val PrecisionBits = 32 - 8 - 2
  private val Half = 1 << (PrecisionBits - 1)

  /** Scales a picture to `width` x `height` pixels, whatever its aspect ratio.
    *
    * @param filter
    *   one of Pillow's six; `Bilinear` is the default of Hugging Face's ViT processor
    * @return
    *   the scaled picture; `pixels` itself when it has that size already
    * @throws ParameterException
    *   when a side is not positive
    * @example
    *   {{{Resample.resize(pixels, width = 224, height = 224, ResampleFilter.Bilinear)}}}
    */
  def resize(pixels: Pixels, width: Int, height: Int, filter: ResampleFilter): Pixels = {
    if (width <= 0 || height <= 0 || width.toLong * height * 3 > Int.MaxValue)
      throw new ParameterException(s"cannot resize to $width x $height pixels: give two positive sides that fit in memory")
    if (width == pixels.width && height == pixels.height) pixels
    else if (filter == ResampleFilter.Nearest) nearest(pixels, width, height)
    else convolve(pixels, width, height, filter)
  }

  private def convolve(pixels: Pixels, width: Int, height: Int, filter: ResampleFilter): Pixels = {
    val columns = Coefficients(pixels.width, width, filter)
    val rows = Coefficients(pixels.height, height, filter)
    if (height == pixels.height) horizontalPass(pixels, columns, 0, height)
    else if (width == pixels.width) verticalPass(pixels, rows, 0)
    else if (verticalFirst(pixels, width, height)) horizontalPass(verticalPass(pixels, rows, 0), columns, 0, height)
    else {
      // Rows that no output row looks at are not worth the horizontal pass.
      val firstRow = rows.first(0)
      val rowCount = rows.first(height - 1) + rows.count(height - 1) - firstRow
      verticalPass(horizontalPass(pixels, columns, firstRow, rowCount), rows, firstRow)
    }
  }

  /** Pillow 13 begins with the height when that shrinks by more than twice as many pixels as the width. Earlier versions begin
    * with the width, which rounds some values differently by one.
    */
  private def verticalFirst(pixels: Pixels, width: Int, height: Int): Boolean =
    height < pixels.height && pixels.height.toLong - height > 2L * (pixels.width.toLong - width)

  private def horizontalPass(pixels: Pixels, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels = {
    val width = columns.first.length
    val rgb = new Array[Byte](rowCount * width * 3)
    var row = 0
    while (row < rowCount) {
      scaleRow(pixels.rgb, (firstRow + row) * pixels.width * 3, rgb, row * width * 3, columns)
      row += 1
    }
    new Pixels(width, rowCount, rgb)
  }

  private def scaleRow(from: Array[Byte], start: Int, to: Array[Byte], target: Int, columns: Coefficients): Unit = {
    val (first, count, weights) = (columns.first, columns.count, columns.weights)
    var x = 0
    while (x < first.length) {
      var red, green, blue = Half
      val source = start + first(x) * 3
      val firstTap = x * columns.taps
      val taps = count(x)
      var tap = 0
      while (tap < taps) {
        val weight = weights(firstTap + tap)
        red += (from(source + 3 * tap) & 0xff) * weight
        green += (from(source + 3 * tap + 1) & 0xff) * weight
        blue += (from(source + 3 * tap + 2) & 0xff) * weight
        tap += 1
      }
      to(target + x * 3) = clip(red)
      to(target + x * 3 + 1) = clip(green)
      to(target + x * 3 + 2) = clip(blue)
      x += 1
    }
  }

  /** @param firstRow
    *   the row of the whole picture that is the first of `pixels`
    */
  private def verticalPass(pixels: Pixels, rows: Coefficients, firstRow: Int): Pixels = {
    val height = rows.first.length
    val rowLength = pixels.width * 3
    val rgb = new Array[Byte](height * rowLength)
    val sums = new Array[Int](rowLength)
    var y = 0
    while (y < height) {
      java.util.Arrays.fill(sums, Half)
      var tap = 0
      while (tap < rows.count(y)) {
        addWeighted(sums, pixels.rgb, (rows.first(y) - firstRow + tap) * rowLength, rows.weights(y * rows.taps + tap))
        tap += 1
      }
      clipAll(sums, rgb, y * rowLength)
      y += 1
    }
    new Pixels(pixels.width, height, rgb)
  }

  private def addWeighted(sums: Array[Int], rgb: Array[Byte], start: Int, weight: Int): Unit = {
    var i = 0
    while (i < sums.length) {
      sums(i) += (rgb(start + i) & 0xff) * weight
      i += 1
    }
  }

  private def clipAll(sums: Array[Int], rgb: Array[Byte], start: Int): Unit = {
    var i = 0
    while (i < sums.length) {
      rgb(start + i) = clip(sums(i))
      i += 1
    }
  }

  private def clip(sum: Int): Byte = Math.max(0, Math.min(255, sum >> PrecisionBits)).toByte

  private def nearest(pixels: Pixels, width: Int, height: Int): Pixels = {
    val columns = nearestPositions(pixels.width, width)
    val lines = nearestPositions(pixels.height, height)
    val rgb = new Array[Byte](width * height * 3)
    var target = 0
    for (line <- lines; column <- columns) {
      System.arraycopy(pixels.rgb, (line * pixels.width + column) * 3, rgb, target, 3)
      target += 3
    }
    new Pixels(width, height, rgb)
  }

  /** As in Pillow, the position is summed up step by step: its rounding errors are part of the result. */
  private def nearestPositions(inputSize: Int, outputSize: Int): Array[Int] = {
    val step = inputSize.toDouble / outputSize
    var position = step * 0.5
    Array.fill(outputSize) { val at = math.min(position.toInt, inputSize - 1); position += step; at }
  }

  /** What one axis of a resize needs.
    *
    * @param first
    *   for each output position the first input position that counts
    * @param count
    *   for each output position how many input positions count
    * @param taps
    *   the distance between two output positions' weights
    * @param weights
    *   fixed-point weights
    */
  private final class Coefficients(val first: Array[Int], val count: Array[Int], val taps: Int, val weights: Array[Int])

  private object Coefficients {
    def apply(inputSize: Int, outputSize: Int, filter: ResampleFilter): Coefficients = {
      val scale = inputSize.toDouble / outputSize
      val filterScale = math.max(scale, 1.0) // shrinking widens the filter, enlarging does not narrow it
      val support = filter.support * filterScale
      val taps = math.ceil(support).toInt * 2 + 1
      val result = new Coefficients(new Array(outputSize), new Array(outputSize), taps, new Array(outputSize * taps))
      (0 until outputSize).foreach { position =>
        val centre = (position + 0.5) * scale
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
}
