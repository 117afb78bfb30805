package sparkvision.image.resample

import sparkvision.image.{
  NamedValue,
  NamedValues,
  ParameterException,
  PixelRows,
  PixelSize,
  Pixels,
  ProcessorException,
  SparkVisionException,
  Window
}

/** Pillow's `Image.resize` for 8-bit RGB, bit for bit: the same coefficients, the same fixed-point arithmetic, the
  * same order of the two passes (Pillow's `Resample.c`, and `Geometry.c` for NEAREST). On request torchvision's.
  */
object Resample {

  /** Scales an image to `width` x `height` pixels, whatever its aspect ratio.
    *
    * @param filter
    *   one of Pillow's six; `Bilinear` is the default of Hugging Face's ViT processor
    * @return
    *   the scaled image; [[Pixels]] that have that size already are given back as they are
    * @throws ParameterException
    *   when a side is not positive
    * @example
    *   {{{Resample.resize(pixels, width = 224, height = 224, ResampleFilter.Bilinear)}}}
    */
  def resize(pixels: PixelRows, width: Int, height: Int, filter: ResampleFilter): Pixels = {
    val size = PixelSize(height, width)
    resize(pixels, size, filter, Window.whole(size))
  }

  /** A part of a scaled image: the same pixels as in the whole, without the work for the others.
    *
    * @param size
    *   of the whole scaled image
    * @param window
    *   the part of it that is made
    * @param backend
    *   whose arithmetic to follow; torchvision's knows the filters `Bilinear` and `Bicubic`
    * @throws ParameterException
    *   when a side is not positive, or the window does not lie within the scaled image
    */
  def resize(
      pixels: PixelRows,
      size: PixelSize,
      filter: ResampleFilter,
      window: Window,
      backend: ResizeBackend = ResizeBackend.Pillow
  ): Pixels = {
    requireSensible(size, window)
    if (size == PixelSize(pixels.height, pixels.width)) window.of(pixels)
    else if (filter == ResampleFilter.Nearest) nearest(pixels, size, window)
    else convolve(pixels, size, filter, window, backend)
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

  private def convolve(
      pixels: PixelRows,
      size: PixelSize,
      filter: ResampleFilter,
      window: Window,
      backend: ResizeBackend
  ): Pixels = {
    def columns = Coefficients(pixels.width, size.width, window.left, window.width, filter, backend)
    val rows = Coefficients(pixels.height, size.height, window.top, window.height, filter, backend)
    if (size.height == pixels.height) ConvolutionPass.horizontal(pixels, columns, window.top, window.height)
    else if (size.width == pixels.width) {
      val kept = window.copy(top = 0, height = pixels.height).of(pixels)
      ConvolutionPass.vertical(kept, rows, 0)
    } else if (backend == ResizeBackend.Pillow && verticalFirst(pixels, size))
      ConvolutionPass.horizontal(ConvolutionPass.vertical(pixels, rows, 0), columns, 0, window.height)
    else {
      // Rows that no output row looks at are not worth the horizontal pass.
      val firstRow = rows.first.head
      val scaled = ConvolutionPass.horizontal(pixels, columns, firstRow, rows.end - firstRow)
      ConvolutionPass.vertical(scaled, rows, firstRow)
    }
  }

  /** Pillow 13 begins with the height when that shrinks by more than twice as many pixels as the width. Earlier
    * versions begin with the width, which rounds some values differently.
    */
  private def verticalFirst(pixels: PixelRows, size: PixelSize): Boolean =
    size.height < pixels.height && pixels.height.toLong - size.height > 2L * (pixels.width.toLong - size.width)

  private def nearest(pixels: PixelRows, size: PixelSize, window: Window): Pixels = {
    val columns = nearestPositions(pixels.width, size.width, window.left, window.width)
    val lines = nearestPositions(pixels.height, size.height, window.top, window.height)
    val rgb = new Array[Byte](window.width * window.height * 3)
    var target = 0
    for (line <- lines; column <- columns) {
      pixels.bytes.get((line * pixels.width + column) * 3, rgb, target, 3)
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
}

/** Whose arithmetic a resize follows. */
sealed abstract class ResizeBackend(val name: String) extends NamedValue

object ResizeBackend extends NamedValues[ResizeBackend]("resizeBackend") {

  /** Pillow's, which the slow image processors of transformers use. */
  case object Pillow extends ResizeBackend("pillow")

  /** That of torchvision for 8-bit tensors on a processor with AVX2, which the fast image processors use: torch's
    * `interpolate` with antialiasing. It knows BILINEAR and BICUBIC.
    */
  case object Torchvision extends ResizeBackend("torchvision")

  override val all: Seq[ResizeBackend] = Seq(Pillow, Torchvision)

  override protected def refusal(message: String): SparkVisionException = new ProcessorException(message)
}
