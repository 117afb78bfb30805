package sparkvision.image.preprocess

import java.io.ByteArrayOutputStream
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{ImageException, PackedImages, PixelSize, Pixels}

/** [[ImageDecoder]] and [[Preprocessor]], without a model, for a caller in another process: any number of images cross
  * as one byte array, and so does what becomes of them. It is what the comparison with Pillow and transformers calls.
  *
  * All numbers are little-endian. In: for each image its length (int32) and its bytes. Out: for each image the length
  * of the reason why it is refused (int32, 0 when it is not) and the reason in UTF-8; behind a length of 0 come height and
  * width (int32 each) and the values.
  */
object PackedCalls {

  /** The values are the upright image's RGB bytes: height x width x 3. */
  def decode(images: Array[Byte]): Array[Byte] = answers(images)(bytes => values(ImageDecoder.decode(bytes)))

  /** The values are the RGB bytes of the upright image, reduced as far as a resize to `height` x `width` allows. */
  def draft(height: Int, width: Int, images: Array[Byte]): Array[Byte] = answers(images) { bytes =>
    values(ImageDecoder.draft(bytes)(_ => PixelSize(height, width)))
  }

  private def values(pixels: Pixels): (Int, Int, Array[Byte]) = (pixels.height, pixels.width, pixels.rgb)

  /** The values are the float32 that a model is fed: 3 x height x width, of a detection model before any padding.
    *
    * @param config
    *   the text of a `preprocessor_config.json`
    * @throws ProcessorException
    *   when that asks for something that is not supported
    */
  def preprocess(config: String, images: Array[Byte]): Array[Byte] = {
    val settings = ProcessorConfigReader.parse(config)
    val process = if (settings.doPad) ofItsOwnSize(settings) else ofOneSize(settings)
    answers(images) { bytes =>
      val (size, input) = process(ImageDecoder.decode(bytes))
      (size.height, size.width, littleEndian(input))
    }
  }

  private def ofOneSize(config: ProcessorConfig): Pixels => (PixelSize, Array[Float]) = {
    val preprocessor = new Preprocessor(config)
    pixels => {
      val input = FloatBuffer.allocate(3 * preprocessor.height * preprocessor.width)
      preprocessor.process(pixels, input)
      (PixelSize(preprocessor.height, preprocessor.width), input.array)
    }
  }

  private def ofItsOwnSize(config: ProcessorConfig): Pixels => (PixelSize, Array[Float]) = {
    val preprocessor = new DetectionPreprocessor(config)
    pixels => {
      val input = preprocessor.process(pixels, PixelSize(pixels.height, pixels.width))
      (input.size, input.values)
    }
  }

  private def answers(images: Array[Byte])(answer: Array[Byte] => (Int, Int, Array[Byte])): Array[Byte] = {
    val out = new ByteArrayOutputStream
    PackedImages.unpack(images).foreach { bytes =>
      try {
        val (height, width, values) = answer(bytes)
        out.write(numbers(0, height, width))
        out.write(values)
      } catch {
        case refusal: ImageException =>
          val reason = refusal.reason.getBytes(UTF_8)
          out.write(numbers(reason.length))
          out.write(reason)
      }
    }
    out.toByteArray
  }

  private def numbers(values: Int*): Array[Byte] = {
    val out = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN)
    values.foreach(out.putInt)
    out.array
  }

  private def littleEndian(floats: Array[Float]): Array[Byte] = {
    val out = ByteBuffer.allocate(4 * floats.length).order(ByteOrder.LITTLE_ENDIAN)
    val _ = out.asFloatBuffer.put(floats)
    out.array
  }
}
