package sparkvision.engine

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.jdk.CollectionConverters._

import org.scalatest.funsuite.AnyFunSuite

class PreprocessorSuite extends AnyFunSuite {

  private val photo = "photos/cat_chelsea.png"

  private def littleEndian(preprocessor: Preprocessor, pixels: Pixels): Array[Byte] = {
    val bytes = ByteBuffer.allocate(3 * preprocessor.height * preprocessor.width * 4).order(ByteOrder.LITTLE_ENDIAN)
    preprocessor.process(pixels, bytes.asFloatBuffer)
    bytes.array
  }

  Fixtures.references.get("processors").elements.asScala.zipWithIndex.foreach { case (reference, index) =>
    test(s"input values equal the slow Hugging Face processor's bit for bit, setting $index") {
      val preprocessor = new Preprocessor(ProcessorConfig.fromJson(reference.get("config")))
      val expected =
        reference.get("pixelValues").properties.asScala.map(entry => entry.getKey -> entry.getValue.asText).toSeq
      val different = expected.filter { case (name, hash) =>
        Fixtures.sha256(littleEndian(preprocessor, Fixtures.pixels(name))) != hash
      }
      assert(different.isEmpty)
      info(s"${expected.size} photos, largest difference 0")
    }
  }

  test("pictures are appended one behind the other") {
    val preprocessor = new Preprocessor(ProcessorConfig(resize = ResizeRule.Exact(2, 3)))
    val batch = FloatBuffer.allocate(2 * 18)
    preprocessor.process(Fixtures.pixels(photo), batch)
    assert(batch.position() == 18)
    preprocessor.process(Fixtures.pixels(photo), batch)
    assert(batch.array.take(18).sameElements(batch.array.drop(18)))
  }

  test("a batch without room is refused with the room that is needed") {
    val refusal = intercept[ParameterException](
      new Preprocessor(ProcessorConfig(resize = ResizeRule.Exact(2, 3)))
        .process(Fixtures.pixels(photo), FloatBuffer.allocate(17))
    )
    assert(refusal.getMessage.contains("needs 18 floats") && refusal.getMessage.contains("17"))
  }

  test("without resizing, a picture of the model's size is taken as it is and another is refused with both sizes") {
    val preprocessor = new Preprocessor(ProcessorConfig(doResize = false, resize = ResizeRule.Exact(300, 451)))
    val pixels = Fixtures.pixels(photo)
    assert(preprocessor.resized(pixels) eq pixels)
    val refusal = intercept[ImageException](preprocessor.resized(Fixtures.pixels("photos/jpeg_hopper_rgb.jpg")))
    assert(refusal.reason.contains("128 x 128") && refusal.reason.contains("300 x 451"))
  }
}
