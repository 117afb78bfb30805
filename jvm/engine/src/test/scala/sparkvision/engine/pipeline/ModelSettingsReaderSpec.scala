package sparkvision.engine.pipeline

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.postprocess.Pooling
import sparkvision.engine.runtime.{ExecutionProvider, OneDnnFpMath, SessionConfig}
import sparkvision.engine.text.CandidateLabels
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
        | "decodeMode": "fast", "pooling": "mean", "normalize": true, "candidateLabels": ["a cat", "a dog"],
        | "hypothesisTemplate": "here is {}", "executionProvider": "cuda", "deviceId": 1, "intraOpThreads": 3,
        | "cudaTf32": true, "gpuMemLimit": "4g", "onednnFpMath": "bf16"}""".stripMargin
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
        batchSize = Some(4),
        maxImagePixels = 5000000000L,
        decodeMode = DecodeMode.Fast,
        topK = Some(3),
        threshold = 0.25,
        pooling = Pooling.parse("mean"),
        normalize = true,
        candidateLabels = Some(CandidateLabels(Some(Seq("a cat", "a dog")), Some("here is {}"))),
        session = SessionConfig(
          ExecutionProvider.Cuda,
          deviceId = 1,
          intraOpThreads = 3,
          cudaTf32 = true,
          gpuMemLimit = Some(4L << 30),
          oneDnnFpMath = OneDnnFpMath.Bf16
        )
      )
    )
  }

  test("what is unset, null, or says that a stage would choose it, is the caller's default") {
    val defaults = ModelSettings(batchSize = Some(2), session = SessionConfig(intraOpThreads = 6))
    Seq("{}", """{"batchSize": null}""", """{"intraOpThreads": 0, "deviceId": -1}""").foreach { json =>
      assert(ModelSettingsReader.read(json, defaults) == defaults)
    }
    assert(ModelSettingsReader.read("""{"intraOpThreads": 2}""", defaults).session.intraOpThreads == 2)
  }

  test("a value of another type is refused, naming the setting and what it must be") {
    def refusal(json: String) = intercept[ParameterException](ModelSettingsReader.read(json)).getMessage
    assert(refusal("""{"batchSize": "8"}""") == "batchSize must be a whole number, not \"8\".")
    assert(refusal("""{"batchSize": 1.5}""") == "batchSize must be a whole number, not 1.5.")
    assert(refusal("""{"candidateLabels": "a cat"}""") == "candidateLabels must be an array of strings, not \"a cat\".")
    assert(refusal("""{"normalize": 1}""") == "normalize must be true or false, not 1.")
    assert(refusal("""{"gpuMemLimit": "much"}""").startsWith("gpuMemLimit must be a number of bytes"))
    assert(refusal("""{"executionProvider": "tpu"}""").contains("executionProvider must be one of auto, cpu"))
  }

  test("a whole number that does not fit into its type is refused, naming the range") {
    def refusal(json: String) = intercept[ParameterException](ModelSettingsReader.read(json)).getMessage
    assert(
      refusal("""{"batchSize": 4294967304}""") ==
        "batchSize must be between -2147483648 and 2147483647, not 4294967304."
    )
    assert(refusal("""{"topK": -4294967296}""").contains("not -4294967296"))
    assert(
      refusal("""{"maxImagePixels": 18446744073709551617}""") ==
        "maxImagePixels must be between -9223372036854775808 and 9223372036854775807, not 18446744073709551617."
    )
  }

  test("a size of more bytes than a long is refused") {
    def limit(size: String) = ModelSettingsReader.read(s"""{"gpuMemLimit": "$size"}""").session.gpuMemLimit
    assert(limit("8388607t") == Some(8388607L << 40))
    Seq("8388608t", "16777217t", "9223372036854775808").foreach { size =>
      assert(intercept[ParameterException](limit(size)).getMessage.startsWith("gpuMemLimit must be a number of bytes"))
    }
  }

  test("a text that is no JSON object is refused") {
    Seq("{", "[]", "3").foreach(json => intercept[ParameterException](ModelSettingsReader.read(json)))
  }

  test("a name that is no such setting is refused") {
    val refused = intercept[ParameterException](ModelSettingsReader.read("""{"size": 64, "sizes": 64}"""))
    assert(refused.getMessage.startsWith("Unknown setting 'sizes'; the settings of a model are batchSize, "))
    assert(refused.getMessage.contains(", size, "))
  }
}
