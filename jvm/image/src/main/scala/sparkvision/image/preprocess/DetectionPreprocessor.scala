package sparkvision.image.preprocess

import java.nio.FloatBuffer

import sparkvision.image.resample.Resample
import sparkvision.image.{ImageException, PixelRows, PixelSize, ProcessorException, Window}

/** The input of a detection model for one image, before it is padded to the size of the batch.
  *
  * @param original
  *   the size of the upright image, to which boxes are scaled
  * @param size
  *   of the resized image
  * @param values
  *   3 x height x width values
  */
final private[sparkvision] case class DetectionInput(original: PixelSize, size: PixelSize, values: Array[Float])

/** Converts pixels to the input of a detection model: resized, rescaled and normalised exactly as by Hugging Face's slow
  * (Pillow) image processor. Images keep their aspect ratio, so that their sizes differ.
  *
  * @throws ProcessorException
  *   when the settings of the processor are not suitable for a detection model
  */
final private[sparkvision] class DetectionPreprocessor(config: ProcessorConfig) {
  import DetectionPreprocessor._

  if (config.crop.isDefined)
    throw new ProcessorException(
      "images are cropped to their centre, and objects outside of it would be missed: set doCenterCrop to false"
    )
  if (!config.doPad && !(config.doResize && config.resize.fixedSize.isDefined))
    throw new ProcessorException(
      "do_pad is false, and images of several sizes cannot form a batch: set do_pad to true, or height and width"
    )

  private val inputValues = new InputValues(config, ChannelLayout.ChannelsFirst)

  /** The size that an image of this size is resized to.
    *
    * @throws ImageException
    *   when the resized image would have no pixels
    */
  def target(image: PixelSize): PixelSize = {
    val size = if (config.doResize) config.resize.target(image) else image
    if (size.height < 1 || size.width < 1)
      throw new ImageException(
        s"an image of $image pixels (height x width) is too long and narrow: resized to $size it would have no " +
          "pixels; crop it beforehand"
      )
    size
  }

  /** The input for one image.
    *
    * @param original
    *   the size of the upright image
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

  /** The number of pixels whose three floats fill the largest buffer: the JVM counts a buffer's bytes in 32 bits. */
  val MostPixels: Long = Int.MaxValue / (3 * java.lang.Float.BYTES)
}
