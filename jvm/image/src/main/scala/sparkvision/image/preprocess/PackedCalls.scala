package sparkvision.image.preprocess

import java.io.ByteArrayOutputStream
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.{ByteBuffer, ByteOrder}

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{ImageException, PackedImages, PixelSize, Pixels}

/** [[ImageDecoder]] and [[ImagePreprocessor]] for a caller in another process, such as the comparison with Pillow and
  * transformers: one byte array contains any number of images, and so does the answer.
  *
  * The images come as [[PackedImages]]. The answer contains for each image the length of the reason why the image is refused
  * (int32) and this reason in UTF-8. A length of 0 is followed by height and width (int32 each) and the values. All numbers
  * are little-endian.
  */
object PackedCalls {

  /** The values are the upright image's RGB bytes: height x width x 3. */
  def decode(images: Array[Byte]): Array[Byte] = answers(images)(bytes => values(ImageDecoder.decode(bytes)))

  /** The values are the RGB bytes of the upright image, which is reduced as far as a resize to `height` x `width` allows. */
  def draft(height: Int, width: Int, images: Array[Byte]): Array[Byte] = answers(images) { bytes =>
    values(ImageDecoder.draft(bytes)(_ => PixelSize(height, width)))
  }

  private def values(pixels: Pixels): (Int, Int, Array[Byte]) = (pixels.height, pixels.width, pixels.rgb)

  /** The values are the model's input in float32: 3 x height x width, for a detection model before padding.
    *
    * @param config
    *   the text of a `preprocessor_config.json`
    * @throws ProcessorException
    *   when it asks for something that is not supported
    */
  def preprocess(config: String, images: Array[Byte]): Array[Byte] = {
    val preprocessor = ImagePreprocessor.fromJson(config)
    answers(images) { bytes =>
      val tensor = preprocessor.tensor(bytes)
      (tensor.height, tensor.width, littleEndian(tensor.values))
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
