package sparkvision.image.preprocess

import java.io.IOException
import java.nio.FloatBuffer
import java.nio.file.{Files, Path}

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{ImageMemory, PixelRows, PixelSize, ProcessorException}

/** Hugging Face's image preprocessing for any JVM program: from the bytes of an image file to the input of a model.
  *
  * The values equal those of the image processor in transformers that the configuration names, bit for bit. Neither ONNX
  * Runtime nor Spark is needed.
  *
  * An `ImagePreprocessor` is immutable and can be shared between threads.
  *
  * In Scala:
  * {{{
  * val preprocessor = ImagePreprocessor.load(Path.of("vit-base-patch16-224"))
  * val values: Array[Float] = preprocessor.preprocess(Files.readAllBytes(Path.of("cat.jpg")))
  * preprocessor.shape.toSeq // 3, 224, 224
  * }}}
  *
  * In Java:
  * {{{
  * ImagePreprocessor preprocessor = ImagePreprocessor.load(Path.of("vit-base-patch16-224"));
  * float[] values = preprocessor.preprocess(Files.readAllBytes(Path.of("cat.jpg")));
  * long[] shape = preprocessor.shape(); // 3, 224, 224
  * }}}
  *
  * The processor of a detection model keeps the aspect ratio of each image, so that the size differs from image to image.
  * For these processors [[tensor]] returns the values together with their size.
  *
  * @param config
  *   the settings of the processor
  * @throws ProcessorException
  *   when the settings contradict each other
  */
final class ImagePreprocessor(val config: ProcessorConfig) {

  private val steps: Either[DetectionPreprocessor, Preprocessor] =
    if (config.doPad) Left(new DetectionPreprocessor(config)) else Right(new Preprocessor(config))

  /** Height and width of every image's tensor, or None when they depend on the image. */
  def fixedSize: Option[PixelSize] = steps.toOption.map(uniform => PixelSize(uniform.height, uniform.width))

  /** Height in pixels of every image's tensor.
    *
    * @throws ProcessorException
    *   when the height depends on the image
    */
  def height: Int = requireFixedSize.height

  /** Width in pixels of every image's tensor.
    *
    * @throws ProcessorException
    *   when the width depends on the image
    */
  def width: Int = requireFixedSize.width

  /** The shape of every image's tensor: 3 (red, green, blue), height, width.
    *
    * @throws ProcessorException
    *   when the shape depends on the image
    */
  def shape: Array[Long] = Array(3, height.toLong, width.toLong)

  /** The values of one image, which is what the model takes.
    *
    * @param bytes
    *   the encoded file: JPEG, PNG, GIF, BMP, WebP or TIFF
    * @return
    *   3 x height x width values, channel by channel and row by row; the channels are red, green and blue unless the
    *   processor flips them
    * @throws ImageException
    *   when the image is damaged, of another format, or too large
    * @throws ProviderException
    *   when the native decoder cannot be loaded on this machine
    */
  def preprocess(bytes: Array[Byte]): Array[Float] = tensor(bytes).values

  /** The values of one image, like [[preprocess]], with their height and width.
    *
    * @throws ImageException
    *   as [[preprocess]]
    * @throws ProviderException
    *   as [[preprocess]]
    */
  def tensor(bytes: Array[Byte]): ImageTensor = tensor(ImageDecoder.rows(bytes, ImageDecoder.DefaultMaxPixels))

  /** The values of one decoded image, with their height and width.
    *
    * @throws ImageException
    *   when the image cannot be brought to the size of the model's input
    */
  def tensor(pixels: PixelRows): ImageTensor = ImageMemory.refusing(pixels.width, pixels.height) {
    steps match {
      case Right(uniform) =>
        val values = FloatBuffer.allocate(3 * uniform.height * uniform.width)
        uniform.process(pixels, values)
        ImageTensor(uniform.height, uniform.width, values.array)
      case Left(detection) =>
        val input = detection.process(pixels, PixelSize(pixels.height, pixels.width))
        ImageTensor(input.size.height, input.size.width, input.values)
    }
  }

  private def requireFixedSize: PixelSize = fixedSize.getOrElse(
    throw new ProcessorException(
      "this processor resizes each image to a size of its own: take height and width from the image's tensor"
    )
  )
}

object ImagePreprocessor {
  private val FileName = "preprocessor_config.json"

  /** Loads a processor from a folder that contains a `preprocessor_config.json`, or from such a file itself.
    *
    * @throws ProcessorException
    *   when the file cannot be read, or asks for something that is not supported
    */
  def load(path: Path): ImagePreprocessor = {
    val file = if (Files.isDirectory(path)) path.resolve(FileName) else path
    val json =
      try Files.readString(file)
      catch {
        case failure: IOException =>
          throw new ProcessorException(
            s"$file cannot be read ($failure): give a folder that contains $FileName, or the file itself",
            failure
          )
      }
    fromJson(json)
  }

  /** Loads a processor from the text of a `preprocessor_config.json`.
    *
    * @throws ProcessorException
    *   when the text is not a JSON object, or asks for something that is not supported
    */
  def fromJson(json: String): ImagePreprocessor = new ImagePreprocessor(ProcessorConfig.parse(json))
}

/** The values of one image as a model takes them.
  *
  * @param height
  *   in pixels
  * @param width
  *   in pixels
  * @param values
  *   3 x height x width values, channel by channel and row by row
  */
final case class ImageTensor(height: Int, width: Int, values: Array[Float]) {

  /** The shape of the values: 3, height, width. */
  def shape: Array[Long] = Array(3, height.toLong, width.toLong)
}
