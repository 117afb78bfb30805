package sparkvision.image.preprocess

import java.nio.FloatBuffer

import sparkvision.image.resample.Resample
import sparkvision.image.{ImageException, ParameterException, PixelRows, PixelSize, Pixels, ProcessorException, Window}

/** Converts pixels to a model's input: resized, cropped, rescaled and normalised exactly as by Hugging Face's slow (Pillow)
  * image processor. [[ImagePreprocessor]] does the same from the bytes of a file.
  *
  * A `Preprocessor` is immutable and can be shared between threads.
  *
  * @param layout
  *   the order of the values in the model's input
  * @throws ProcessorException
  *   when the size of the model's input depends on the image
  */
final class Preprocessor(val config: ProcessorConfig, layout: ChannelLayout = ChannelLayout.ChannelsFirst) {

  private val size: PixelSize = config.outputSize.getOrElse(
    throw new ProcessorException(
      s"images are resized by ${config.resize} and not cropped, so that each would have another size, and the model " +
        "takes one: set doCenterCrop and cropSize, or height and width"
    )
  )
  if (config.padSize.isDefined)
    throw new ProcessorException("pad_size is set, and only detection models take padded images: remove pad_size")

  private val values = new InputValues(config, layout)

  /** Height in pixels of the input that [[process]] writes. */
  def height: Int = size.height

  /** Width in pixels of the input that [[process]] writes. */
  def width: Int = size.width

  /** The size that an image of this size is resized to, before any crop.
    *
    * @throws ImageException
    *   when a side would have more pixels than 32 bits can count
    */
  def target(image: PixelSize): PixelSize = if (config.doResize) config.resize.target(image) else image

  /** The image in the size of the model's input, in 8-bit RGB.
    *
    * @throws ImageException
    *   when images are neither resized nor cropped and this one has another size
    */
  def resized(pixels: PixelRows): Pixels = {
    val image = PixelSize(pixels.height, pixels.width)
    val target = this.target(image)
    if (config.crop.isEmpty && target != size)
      throw new ImageException(
        s"the image has $image pixels (height x width), the model takes $size, and do_resize is false; set doResize " +
          "to true, or resize the images beforehand"
      )
    // Only the pixels that the crop keeps are computed.
    val crop = CenterCrop(target, size)
    crop.place(Resample.resize(pixels, target, config.resample, crop.window, config.resizeBackend))
  }

  /** Appends the input values of one image to a batch, in the order of the layout.
    *
    * @param pixels
    *   a decoded image of any size
    * @param target
    *   a buffer with room for `3 * height * width` floats after its position, which is moved behind them
    * @throws ImageException
    *   when `doResize` is false and the image has another size than the model takes; nothing is written then
    * @throws ParameterException
    *   when the buffer has too little room
    * @example
    *   {{{
    *   val batch = java.nio.FloatBuffer.allocate(images.size * 3 * preprocessor.height * preprocessor.width)
    *   images.foreach(preprocessor.process(_, batch))
    *   }}}
    */
  def process(pixels: PixelRows, target: FloatBuffer): Unit = {
    val input = resized(pixels)
    val length = width * height * 3
    if (target.remaining < length)
      throw new ParameterException(
        s"an image of $height x $width needs $length floats, but the batch has room for " +
          s"${target.remaining}; make the batch larger"
      )
    values.put(input, target)
  }
}

/** The centre crop of an image, as transformers' `center_crop`. An image that is too small gets a black margin.
  *
  * @param window
  *   the part of the image that is kept
  * @param size
  *   the size of the result
  * @param top
  *   black rows above the kept part
  * @param left
  *   black columns to the left of the kept part
  */
private[sparkvision] final case class CenterCrop(window: Window, size: PixelSize, top: Int, left: Int) {

  /** The result for the pixels of [[window]]. */
  def place(kept: Pixels): Pixels =
    if (kept.height == size.height && kept.width == size.width) kept
    else {
      val rgb = new Array[Byte](size.height * size.width * 3)
      (0 until kept.height).foreach { row =>
        System.arraycopy(kept.rgb, row * kept.width * 3, rgb, ((top + row) * size.width + left) * 3, kept.width * 3)
      }
      new Pixels(size.width, size.height, rgb)
    }
}

private[sparkvision] object CenterCrop {

  /** The crop of an image.
    *
    * @param image
    *   the size of the image
    * @param size
    *   the size of the result
    */
  def apply(image: PixelSize, size: PixelSize): CenterCrop = {
    val (top, height, above) = axis(image.height, size.height)
    val (left, width, before) = axis(image.width, size.width)
    CenterCrop(Window(top, left, height, width), size, above, before)
  }

  /** The first position that is kept, the number of kept positions, and the number of black positions before them. When an
    * odd number of positions is removed, the end loses one more; an odd margin is wider at the start.
    */
  private def axis(pixels: Int, crop: Int): (Int, Int, Int) =
    if (pixels >= crop) ((pixels - crop) / 2, crop, 0) else (0, pixels, (crop - pixels + 1) / 2)
}
