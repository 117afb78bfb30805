package sparkvision.engine

import java.nio.file.Files

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{Bundles, EmbeddedModels, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.{Fixtures, ImageException, ImageInput, ParameterException}

class LocalModelSpec extends AnyFunSuite {

  private val seven = Fixtures.path("digits").resolve("7").toFile.listFiles.map(_.toPath).min
  private def bytes = Files.readAllBytes(seven)

  test("Java code labels an image") {
    val best = LocalModelFromJava.best(EmbeddedModels.Default, seven)
    assert(best.label == "7" && best.score > 0.5)
  }

  test("Java code sees an image's numbers before and after the model") {
    assert(LocalModelFromJava.sizes(EmbeddedModels.Default, seven).toSeq == Seq(3 * 32 * 32, 10))
  }

  test("Java code embeds an image") {
    assert(LocalModelFromJava.embeddingSize(Bundles.features(), seven) == 80)
  }

  test("Java code chooses settings in JSON") {
    val labels = LocalModelFromJava.labels(EmbeddedModels.Default, """{"topK": 3, "executionProvider": "cpu"}""", seven)
    assert(labels.length == 3 && labels.head.label == "7")
    val refused = intercept[ParameterException](LocalModel.openWith(EmbeddedModels.Default, """{"top_k": 3}"""))
    assert(refused.getMessage.contains("Unknown setting 'top_k'") && refused.getMessage.contains("topK"))
  }

  test("a model refuses settings out of range when it is made, before any image") {
    def refusal(settings: String) =
      intercept[ParameterException](LocalModel.openWith(EmbeddedModels.Default, settings)).getMessage
    assert(refusal("""{"batchSize": 0}""").contains("batchSize must be at least 1, not 0"))
    assert(refusal("""{"maxImagePixels": -1}""").contains("maxImagePixels must be at least 1, not -1"))
    assert(refusal("""{"topK": 0}""").contains("topK must be at least 1, not 0"))
    assert(refusal("""{"threshold": 1.5}""").contains("threshold must be between 0 and 1, not 1.5"))
  }

  test("candidate labels are refused by a model that is not zero-shot, naming its task") {
    Seq("""{"candidateLabels": ["cat", "dog"]}""", """{"hypothesisTemplate": "a {}"}""").foreach { settings =>
      val refused = intercept[ParameterException](LocalModel.openWith(EmbeddedModels.Default, settings))
      assert(refused.getMessage.contains("zero-shot-image-classification, but the bundle"))
      assert(refused.getMessage.contains("is for image-classification."))
    }
  }

  test("without topK a single-label model predicts one label") {
    Using.resource(LocalModel.open(EmbeddedModels.Default))(model =>
      assert(model.predict(Array(bytes)).head.length == 1)
    )
  }

  test(
    "without topK a multi-label model predicts all labels at or above the threshold, and with topK the best of them"
  ) {
    val settings = ModelSettings(threshold = 0.4)
    Using.resource(new LocalModel(ModelBundle.open(Bundles.multiLabel()), settings)) { model =>
      val scores = model.predictions(Iterator(bytes))(ImageInput.Encoded).next()._2.toOption.get.scores
      val above = scores.filter(_ >= 0.4).sorted.reverse.toSeq
      assert(above.size > 1 && model.predict(Array(bytes)).head.map(_.score).toSeq == above)
      assert(model.predict(Array(bytes), 1).head.map(_.score).toSeq == above.take(1))
      assert(model.predict(Array(bytes), 100).head.length == above.size)
    }
  }

  test("predict gives as many labels as asked for, best first, with the scores of predictions") {
    Using.resource(LocalModel.open(EmbeddedModels.Default)) { model =>
      val best = model.predict(Array(bytes), 3).head.toSeq
      val prediction = model.predictions(Iterator(bytes))(ImageInput.Encoded).next()._2.toOption.get
      assert(best.map(_.score) == prediction.scores.sorted.reverse.take(3).toSeq)
    }
  }

  test("arrays throw for the first image that cannot be used, with its index") {
    Using.resource(LocalModel.open(EmbeddedModels.Default)) { model =>
      val refused = intercept[ImageException](model.logits(Array(bytes, bytes.take(60), Array.emptyByteArray)))
      assert(refused.reason.startsWith("image 1: "))
    }
  }

  test("a closed model refuses every use") {
    val model = LocalModel.open(EmbeddedModels.Default)
    model.logits(Array(bytes))
    model.close()
    Seq[() => Any](
      () => model.preprocess(Array(bytes)),
      () => model.logits(Array(bytes)),
      () => model.predict(Array(bytes), 1)
    ).foreach(use => assert(intercept[ParameterException](use()).getMessage.contains("closed")))
  }
}
