package sparkvision.engine

/** Pillow's `Image.resize` for 8-bit RGB, bit for bit: the same coefficients, the same fixed-point arithmetic, the
  * same order of the two passes (Pillow's `Resample.c`, and `Geometry.c` for NEAREST).
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
  def resize(pixels: Pixels, width: Int, height: Int, filter: ResampleFilter): Pixels =
    resize(pixels, PixelSize(height, width), filter, Window(0, 0, height, width))

  /** A part of a scaled picture: the same pixels as in the whole, without the work for the others.
    *
    * @param size
    *   of the whole scaled picture
    * @param window
    *   the part of it that is made
    * @throws ParameterException
    *   when a side is not positive, or the window does not lie within the scaled picture
    */
  def resize(pixels: Pixels, size: PixelSize, filter: ResampleFilter, window: Window): Pixels = {
    requireSensible(size, window)
    if (size == PixelSize(pixels.height, pixels.width)) cut(pixels, window)
    else if (filter == ResampleFilter.Nearest) nearest(pixels, size, window)
    else convolve(pixels, size, filter, window)
  }

  private def requireSensible(size: PixelSize, window: Window): Unit = {
    if (window.height <= 0 || window.width <= 0 || window.width.toLong * window.height * 3 > Int.MaxValue)
      throw new ParameterException(
        s"cannot resize to $size pixels (height x width): give two positive sides that fit in memory"
      )
    if (
      window.top < 0 || window.left < 0 || window.top + window.height > size.height ||
      window.left + window.width > size.width
    ) throw new ParameterException(s"$window does not lie within $size pixels (height x width)")
  }

  private def cut(pixels: Pixels, window: Window): Pixels =
    if (window.height == pixels.height && window.width == pixels.width) pixels
    else {
      val rgb = new Array[Byte](window.height * window.width * 3)
      (0 until window.height).foreach { row =>
        val start = ((window.top + row) * pixels.width + window.left) * 3
        System.arraycopy(pixels.rgb, start, rgb, row * window.width * 3, window.width * 3)
      }
      new Pixels(window.width, window.height, rgb)
    }

  private def convolve(pixels: Pixels, size: PixelSize, filter: ResampleFilter, window: Window): Pixels = {
    def columns = Coefficients(pixels.width, size.width, window.left, window.width, filter)
    def rows = Coefficients(pixels.height, size.height, window.top, window.height, filter)
    if (size.height == pixels.height) horizontalPass(pixels, columns, window.top, window.height)
    else if (size.width == pixels.width)
      verticalPass(cut(pixels, window.copy(top = 0, height = pixels.height)), rows, 0)
    else if (verticalFirst(pixels, size)) horizontalPass(verticalPass(pixels, rows, 0), columns, 0, window.height)
    else {
      // Rows that no output row looks at are not worth the horizontal pass.
      val vertical = rows
      val firstRow = vertical.first(0)
      val rowCount = vertical.first(window.height - 1) + vertical.count(window.height - 1) - firstRow
      verticalPass(horizontalPass(pixels, columns, firstRow, rowCount), vertical, firstRow)
    }
  }

  /** Pillow 13 begins with the height when that shrinks by more than twice as many pixels as the width. Earlier
    * versions begin with the width, which rounds some values differently.
    */
  private def verticalFirst(pixels: Pixels, size: PixelSize): Boolean =
    size.height < pixels.height && pixels.height.toLong - size.height > 2L * (pixels.width.toLong - size.width)

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

  private def nearest(pixels: Pixels, size: PixelSize, window: Window): Pixels = {
    val columns = nearestPositions(pixels.width, size.width, window.left, window.width)
    val lines = nearestPositions(pixels.height, size.height, window.top, window.height)
    val rgb = new Array[Byte](window.width * window.height * 3)
    var target = 0
    for (line <- lines; column <- columns) {
      System.arraycopy(pixels.rgb, (line * pixels.width + column) * 3, rgb, target, 3)
      target += 3
    }
    new Pixels(window.width, window.height, rgb)
  }

  /** As in Pillow, the position is summed up step by step: its rounding errors are part of the result. */
  private def nearestPositions(inputSize: Int, outputSize: Int, start: Int, length: Int): Array[Int] = {
    val step = inputSize.toDouble / outputSize
    var position = step * 0.5
    (0 until start).foreach(_ => position += step)
    Array.fill(length) { val at = math.min(position.toInt, inputSize - 1); position += step; at }
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

    /** @param start
      *   the first output position that is wanted
      * @param length
      *   how many are
      */
    def apply(inputSize: Int, outputSize: Int, start: Int, length: Int, filter: ResampleFilter): Coefficients = {
      val scale = inputSize.toDouble / outputSize
      val filterScale = math.max(scale, 1.0) // shrinking widens the filter, enlarging does not narrow it
      val support = filter.support * filterScale
      val taps = math.ceil(support).toInt * 2 + 1
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
}
