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

/** Scales images like Pillow's `Image.resize` for 8-bit RGB, bit for bit: with the same coefficients, the same fixed-point
  * arithmetic and the same order of the two passes (`Resample.c`, and `Geometry.c` for NEAREST). With another
  * [[ResizeBackend]] it scales like torchvision.
  */
object Resample {

  /** Scales an image to `width` x `height` pixels; the aspect ratio may change.
    *
    * @param filter
    *   one of Pillow's six filters; `Bilinear` is the default of Hugging Face's ViT processor
    * @return
    *   the scaled image; [[sparkvision.image.Pixels]] that have this size already are returned as they are
    * @throws ParameterException
    *   when a side is not positive
    * @example
    *   {{{Resample.resize(pixels, width = 224, height = 224, ResampleFilter.Bilinear)}}}
    */
  def resize(pixels: PixelRows, width: Int, height: Int, filter: ResampleFilter): Pixels = {
    val size = PixelSize(height, width)
    resize(pixels, size, filter, Window.whole(size))
  }

  /** Scales an image and returns a part of the result. The other pixels are not computed.
    *
    * @param size
    *   the size of the whole scaled image
    * @param window
    *   the part of the scaled image that is returned
    * @param backend
    *   the library whose arithmetic is followed; torchvision has only the filters `Bilinear` and `Bicubic`
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
      // The horizontal pass omits rows that contribute to no output row.
      val firstRow = rows.first.head
      val scaled = ConvolutionPass.horizontal(pixels, columns, firstRow, rows.end - firstRow)
      ConvolutionPass.vertical(scaled, rows, firstRow)
    }
  }

  /** Whether the height is scaled first. Pillow 13 does so when the height shrinks by more than twice as many pixels as the
    * width. Earlier versions scale the width first, which rounds some values differently.
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

  /** The positions, added up step by step as in Pillow, because the rounding errors affect the result. */
  private def nearestPositions(inputSize: Int, outputSize: Int, start: Int, length: Int): Array[Int] = {
    val step = inputSize.toDouble / outputSize
    var position = step * 0.5
    (0 until start).foreach(_ => position += step)
    Array.fill(length) { val at = math.min(position.toInt, inputSize - 1); position += step; at }
  }
}

/** The library whose arithmetic a resize follows. */
sealed abstract class ResizeBackend(val name: String) extends NamedValue

object ResizeBackend extends NamedValues[ResizeBackend]("resizeBackend") {

  /** The arithmetic of Pillow, which the slow image processors of transformers use. */
  case object Pillow extends ResizeBackend("pillow")

  /** The arithmetic of torchvision for 8-bit tensors on a processor with AVX2, which the fast image processors use: torch's
    * `interpolate` with antialiasing. Only BILINEAR and BICUBIC exist.
    */
  case object Torchvision extends ResizeBackend("torchvision")

  override val all: Seq[ResizeBackend] = Seq(Pillow, Torchvision)

  override protected def refusal(message: String): SparkVisionException = new ProcessorException(message)
}
