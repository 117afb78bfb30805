package sparkvision.engine

import java.nio.file.Files

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{Bundles, EmbeddedModels}
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
