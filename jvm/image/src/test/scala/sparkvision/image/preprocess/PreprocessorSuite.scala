package sparkvision.image.preprocess

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.jdk.CollectionConverters._

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.{Fixtures, ImageException, ParameterException, PixelSize, Pixels, ProcessorException}

class PreprocessorSuite extends AnyFunSuite {

  private val photo = "photos/cat_chelsea.png"

  private def littleEndian(preprocessor: Preprocessor, pixels: Pixels): Array[Byte] = {
    val bytes = ByteBuffer.allocate(3 * preprocessor.height * preprocessor.width * 4).order(ByteOrder.LITTLE_ENDIAN)
    preprocessor.process(pixels, bytes.asFloatBuffer)
    bytes.array
  }

  Fixtures.references.get("processors").elements.asScala.zipWithIndex.foreach { case (reference, index) =>
    test(s"input values equal those of the slow Hugging Face processor bit for bit, setting $index") {
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

  test("images are appended to a batch one after the other") {
    val preprocessor = new Preprocessor(ProcessorConfig(resize = ResizeRule.Exact(2, 3)))
    val batch = FloatBuffer.allocate(2 * 18)
    preprocessor.process(Fixtures.pixels(photo), batch)
    assert(batch.position() == 18)
    preprocessor.process(Fixtures.pixels(photo), batch)
    assert(batch.array.take(18).sameElements(batch.array.drop(18)))
  }

  test("a batch with too little room is refused with the required room") {
    val refusal = intercept[ParameterException](
      new Preprocessor(ProcessorConfig(resize = ResizeRule.Exact(2, 3)))
        .process(Fixtures.pixels(photo), FloatBuffer.allocate(17))
    )
    assert(refusal.getMessage.contains("needs 18 floats") && refusal.getMessage.contains("17"))
  }

  test("without resizing, an image of the model's size is used as it is and any other is refused with both sizes") {
    val preprocessor = new Preprocessor(ProcessorConfig(doResize = false, resize = ResizeRule.Exact(300, 451)))
    val pixels = Fixtures.pixels(photo)
    assert(preprocessor.resized(pixels) eq pixels)
    val refusal = intercept[ImageException](preprocessor.resized(Fixtures.pixels("photos/jpeg_hopper_rgb.jpg")))
    assert(refusal.reason.contains("128 x 128") && refusal.reason.contains("300 x 451"))
  }

  private def floats(preprocessor: Preprocessor, pixels: Pixels): Array[Float] = {
    val values = FloatBuffer.allocate(3 * preprocessor.height * preprocessor.width)
    preprocessor.process(pixels, values)
    values.array
  }

  test("the layout NHWC has the same values pixel by pixel, and keeps flipped channels") {
    Seq(false, true).foreach { flip =>
      val config =
        ProcessorConfig(resize = ResizeRule.Exact(5, 7), imageMean = Seq(0.1, 0.2, 0.3), doFlipChannelOrder = flip)
      val planes = floats(new Preprocessor(config), Fixtures.pixels(photo))
      val together = floats(new Preprocessor(config, ChannelLayout.ChannelsLast), Fixtures.pixels(photo))
      assert(together.indices.forall(i => together(i) == planes(i % 3 * 35 + i / 3)))
    }
  }

  test("an image smaller than the crop is centred, with the odd black row above and the odd black column on the left") {
    val config = ProcessorConfig(doResize = false, doCenterCrop = true, cropSize = Some(PixelSize(4, 3)))
    val white = new Pixels(2, 1, Array.fill(6)(-1))
    val cropped = new Preprocessor(config).resized(white)
    assert(cropped.rgb.toSeq.grouped(3).map(_.head.toInt).toSeq == Seq(0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0, 0))
  }

  test("a processor whose sizes depend on the image is refused with the settings to change") {
    val config = ProcessorConfig(resize = ResizeRule.ShortestEdge(224))
    val refusal = intercept[ProcessorException](new Preprocessor(config)).getMessage
    assert(refusal.contains("ShortestEdge(224)") && refusal.contains("doCenterCrop"))
  }

  test("an image that is too narrow for its shortest edge is refused") {
    val config = ProcessorConfig(
      resize = ResizeRule.ShortestEdge(100000),
      doCenterCrop = true,
      cropSize = Some(PixelSize(2, 2))
    )
    val refusal = intercept[ImageException](new Preprocessor(config).resized(new Pixels(1, 30000, new Array(90000))))
    assert(refusal.reason.contains("30000 x 1"))
  }
}
