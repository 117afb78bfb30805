package sparkvision.engine.pipeline

import java.nio.FloatBuffer

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.preprocess.Preprocessor
import sparkvision.image.{Fixtures, ImageInput, PixelSize}

class DecodeModeSpec extends AnyFunSuite {
  private val photo = "photos/exif_portrait_orientation_6.jpg"

  private def inputs(mode: DecodeMode): Array[Float] = {
    val model = new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(decodeMode = mode))
    model.preprocessed(Iterator(Fixtures.bytes(photo)))(ImageInput.Encoded).next()._2.toOption.get
  }

  test("a fast model is fed the draft of its processor's size, resized as ever") {
    val preprocessor = new Preprocessor(ModelBundle.open(Bundles.digits()).processor)
    val size = PixelSize(preprocessor.height, preprocessor.width)
    val expected = FloatBuffer.allocate(3 * size.height * size.width)
    preprocessor.process(ImageDecoder.draft(Fixtures.bytes(photo))(_ => size), expected)
    assert(inputs(DecodeMode.Fast).sameElements(expected.array))
    assert(!inputs(DecodeMode.Exact).sameElements(expected.array))
  }
}
