package sparkvision.engine.pipeline

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.postprocess.Pooling
import sparkvision.image.ParameterException
import sparkvision.image.codec.DecodeMode
import sparkvision.image.preprocess.ProcessorOverrides

class ModelSettingsReaderSpec extends AnyFunSuite {

  test("what the object leaves out is as if unset") {
    assert(ModelSettingsReader.read("{}") == ModelSettings())
  }

  test("every setting is read by the name of its Param") {
    val json =
      """{"size": 64, "height": 32, "width": 48, "doResize": true, "resample": 3, "doRescale": true, "rescaleFactor": 0.5,
        | "doNormalize": false, "imageMean": [0.1, 0.2, 0.3], "imageStd": [1, 2, 3], "cropSize": 24, "doCenterCrop": true,
        | "resizeBackend": "opencv", "batchSize": 4, "maxImagePixels": 5000000000, "topK": 3, "threshold": 0.25,
        | "decodeMode": "fast", "pooling": "mean", "normalize": true}""".stripMargin
    assert(
      ModelSettingsReader.read(json) == ModelSettings(
        processor = ProcessorOverrides(
          size = Some(64),
          height = Some(32),
          width = Some(48),
          doResize = Some(true),
          resample = Some(3),
          doRescale = Some(true),
          rescaleFactor = Some(0.5),
          doNormalize = Some(false),
          imageMean = Some(Seq(0.1, 0.2, 0.3)),
          imageStd = Some(Seq(1.0, 2.0, 3.0)),
          cropSize = Some(24),
          doCenterCrop = Some(true),
          resizeBackend = Some("opencv")
        ),
        batchSize = 4,
        maxImagePixels = 5000000000L,
        decodeMode = DecodeMode.Fast,
        topK = Some(3),
        threshold = 0.25,
        pooling = Pooling.parse("mean"),
        normalize = true
      )
    )
  }

  test("a name that is no such setting is refused") {
    val refused = intercept[ParameterException](ModelSettingsReader.read("""{"size": 64, "sizes": 64}"""))
    assert(refused.getMessage.startsWith("sizes:"))
  }
}
