package sparkvision.image.preprocess

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer, LongBuffer}

import sparkvision.image.{ImageException, ImageMemory, PixelSize}

/** Images of several sizes as one input. Each image lies in the upper left corner; zeros fill the rest.
  *
  * @param size
  *   the size of every image in the batch
  * @param values
  *   a direct buffer of images x 3 x height x width
  * @param mask
  *   a direct buffer of images x height x width: 1 for a pixel of the image, 0 for padding; None when the model takes no mask
  */
final private[sparkvision] class PaddedBatch private (
    val size: PixelSize,
    val values: FloatBuffer,
    val mask: Option[LongBuffer],
    val images: Int
) {
  private def pixels: Int = size.height * size.width

  /** The number of values of one image. */
  def valuesEach: Int = 3 * pixels

  def shape: Array[Long] = Array(images.toLong, 3, size.height.toLong, size.width.toLong)

  /** A part of the batch; the images keep their padded size. */
  def slice(from: Int, count: Int): PaddedBatch = new PaddedBatch(
    size,
    values.slice(from * valuesEach, count * valuesEach),
    mask.map(_.slice(from * pixels, count * pixels)),
    count
  )
}

private[sparkvision] object PaddedBatch {

  /** Pads images as transformers does.
    *
    * @param padSize
    *   the padded size; None pads to the largest height and the largest width
    * @param masked
    *   whether the model takes a mask
    * @throws ImageException
    *   when the memory is not sufficient for the batch, or it is larger than a buffer can be
    */
  def of(inputs: IndexedSeq[DetectionInput], padSize: Option[PixelSize], masked: Boolean): PaddedBatch = {
    val size = padSize.getOrElse(PixelSize(inputs.map(_.size.height).max, inputs.map(_.size.width).max))
    // The JVM counts the bytes of a buffer in 32 bits.
    if (BigInt(size.height) * size.width * inputs.size * 3 * java.lang.Float.BYTES > Int.MaxValue)
      throw new ImageException(
        s"${inputs.size} x $size pixels (height x width) are more than one input can hold; set a smaller batch size"
      )
    ImageMemory.refusing(size.width, size.height) {
      new PaddedBatch(
        size,
        values(inputs, size),
        Option.when(masked)(mask(inputs.map(_.size), size)),
        inputs.size
      )
    }
  }

  private def values(inputs: IndexedSeq[DetectionInput], size: PixelSize): FloatBuffer = {
    val plane = size.height * size.width
    val values = direct(inputs.size * 3 * plane * 4).asFloatBuffer
    for ((input, index) <- inputs.zipWithIndex; channel <- 0 until 3; row <- 0 until input.size.height) {
      val width = input.size.width
      val target = (index * 3 + channel) * plane + row * size.width
      values.put(target, input.values, (channel * input.size.height + row) * width, width)
    }
    values
  }

  private def mask(images: IndexedSeq[PixelSize], size: PixelSize): LongBuffer = {
    val mask = direct(images.size * size.height * size.width * 8).asLongBuffer
    for ((image, index) <- images.zipWithIndex; row <- 0 until image.height) {
      val start = (index * size.height + row) * size.width
      (start until start + image.width).foreach(mask.put(_, 1L))
    }
    mask
  }

  private def direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder)
}
