package sparkvision.image.preprocess

import java.nio.FloatBuffer

import sparkvision.image.resample.Resample
import sparkvision.image.{ImageException, PixelRows, PixelSize, ProcessorException, Window}

/** An image as a detection model is fed it, before it is padded to the size of its batch.
  *
  * @param original
  *   size of the upright image, to which boxes are scaled
  * @param size
  *   of the resized image
  * @param values
  *   3 x height x width
  */
final private[sparkvision] case class DetectionInput(original: PixelSize, size: PixelSize, values: Array[Float])

/** Pixels to a detection model's input: resized, rescaled and normalised as Hugging Face's slow (Pillow) image processor
  * does it, bit for bit. Images keep their aspect ratio, and so each has a size of its own.
  *
  * @throws ProcessorException
  *   when the processor's settings do not suit a detection model
  */
final private[sparkvision] class DetectionPreprocessor(config: ProcessorConfig) {
  import DetectionPreprocessor._

  if (config.crop.isDefined)
    throw new ProcessorException(
      "images are cropped to their centre, and objects outside of it would be missed: set doCenterCrop to false"
    )
  if (!config.doPad && !(config.doResize && config.resize.fixedSize.isDefined))
    throw new ProcessorException(
      "do_pad is false, and images of several sizes make no batch: set do_pad to true, or height and width"
    )

  private val inputValues = new InputValues(config, ChannelLayout.ChannelsFirst)

  /** The size that an image of this size is resized to.
    *
    * @throws ImageException
    *   when it would have no pixels
    */
  def target(image: PixelSize): PixelSize = {
    val size = if (config.doResize) config.resize.target(image) else image
    if (size.height < 1 || size.width < 1)
      throw new ImageException(
        s"an image of $image pixels (height x width) is too long and narrow: resized to $size nothing would be left of " +
          "it; crop it beforehand"
      )
    size
  }

  /** @param original
    *   size of the upright image
    * @throws ImageException
    *   when the resized image would have no pixels, be larger than `pad_size`, or than a buffer can be
    */
  def process(pixels: PixelRows, original: PixelSize): DetectionInput = {
    val size = target(PixelSize(pixels.height, pixels.width))
    requireUsable(size)
    val resized = Resample.resize(pixels, size, config.resample, Window.whole(size), config.resizeBackend)
    val values = FloatBuffer.allocate(size.height * size.width * 3)
    inputValues.put(resized, values)
    DetectionInput(original, size, values.array)
  }

  private def requireUsable(size: PixelSize): Unit = {
    if (size.height.toLong * size.width > MostPixels)
      throw new ImageException(
        s"an image of $size pixels (height x width) is too large for the model's input; set doResize to true"
      )
    config.padSize.filter(pad => size.height > pad.height || size.width > pad.width).foreach { pad =>
      throw new ImageException(s"resized to $size pixels (height x width), the image is larger than pad_size, $pad")
    }
  }
}

private object DetectionPreprocessor {

  /** Of which the three floats each fill a buffer: the JVM counts its bytes in 32 bits. */
  val MostPixels: Long = Int.MaxValue / (3 * java.lang.Float.BYTES)
}
