package sparkvision.image.preprocess

import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder}

import scala.jdk.CollectionConverters._

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.{Fixtures, ImageException, PixelSize, ProcessorException}

class ImagePreprocessorSpec extends AnyFunSuite {
  private val cat = Fixtures.path("photos/cat_chelsea.png")
  private val vit = Fixtures.references.get("processors").get(0)
  private val detr =
    """{"image_processor_type": "DetrImageProcessor", "size": {"shortest_edge": 60, "longest_edge": 100}}"""

  private def hash(values: Array[Float]): String = {
    val bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN)
    bytes.asFloatBuffer.put(values)
    Fixtures.sha256(bytes.array)
  }

  private def folderWith(config: String): Path = {
    val folder = Files.createTempDirectory("processor")
    Files.writeString(folder.resolve("preprocessor_config.json"), config)
    folder
  }

  test("the values of a photo equal those of Hugging Face's processor bit for bit") {
    val preprocessor = ImagePreprocessor.fromJson(vit.get("config").toString)
    vit.get("pixelValues").properties.asScala.foreach { photo =>
      assert(hash(preprocessor.preprocess(Fixtures.bytes(photo.getKey))) == photo.getValue.asText, photo.getKey)
    }
  }

  test("every image has the shape that the configuration sets") {
    val preprocessor = ImagePreprocessor.fromJson("""{"size": {"height": 20, "width": 30}}""")
    assert(preprocessor.shape.toSeq == Seq(3, 20, 30))
    assert((preprocessor.height, preprocessor.width) == ((20, 30)))
    assert(preprocessor.preprocess(Files.readAllBytes(cat)).length == 3 * 20 * 30)
  }

  test("a processor is loaded from a folder and from a file") {
    val folder = folderWith("""{"size": 32}""")
    assert(ImagePreprocessor.load(folder).fixedSize.contains(PixelSize(32, 32)))
    assert(ImagePreprocessor.load(folder.resolve("preprocessor_config.json")).fixedSize.contains(PixelSize(32, 32)))
  }

  test("a folder without a processor is refused with the file that is missing") {
    val folder = Files.createTempDirectory("empty")
    val message = intercept[ProcessorException](ImagePreprocessor.load(folder)).getMessage
    assert(message.startsWith(s"$folder/preprocessor_config.json cannot be read"))
  }

  test("the processor of a detection model returns each image in its own size") {
    val preprocessor = ImagePreprocessor.fromJson(detr)
    val tensor = preprocessor.tensor(Files.readAllBytes(cat))
    assert(preprocessor.fixedSize.isEmpty)
    assert(tensor.shape.toSeq == Seq(3, 60, 90) && tensor.values.length == 3 * 60 * 90)
    assert(intercept[ProcessorException](preprocessor.shape).getMessage.contains("a size of its own"))
  }

  test("a damaged image is refused, and the next one is preprocessed") {
    val preprocessor = ImagePreprocessor.fromJson("{}")
    intercept[ImageException](preprocessor.preprocess(Files.readAllBytes(cat).take(1000)))
    assert(preprocessor.preprocess(Files.readAllBytes(cat)).length == 3 * 224 * 224)
  }

  test("threads that share a preprocessor get the values that one thread gets") {
    val preprocessor = ImagePreprocessor.fromJson(vit.get("config").toString)
    val photos = vit.get("pixelValues").properties.asScala.toSeq
    val hashes = (photos ++ photos).asJava.parallelStream
      .map[Boolean](photo => hash(preprocessor.preprocess(Fixtures.bytes(photo.getKey))) == photo.getValue.asText)
      .toArray
    assert(hashes.forall(_ == true))
  }

  test("a Java program preprocesses a photo") {
    val photo = "photos/astronaut_eileen_collins.png"
    val values = ImagePreprocessorFromJava.values(folderWith(vit.get("config").toString), Fixtures.path(photo))
    assert(hash(values) == vit.get("pixelValues").get(photo).asText)
    assert(ImagePreprocessorFromJava.shape("""{"size": 32}""").toSeq == Seq(3, 32, 32))
    assert(ImagePreprocessorFromJava.size(detr, cat).toSeq == Seq(60, 90))
  }
}
