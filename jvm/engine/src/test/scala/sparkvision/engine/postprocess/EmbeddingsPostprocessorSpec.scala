package sparkvision.engine.postprocess

import scala.collection.immutable.SortedMap
import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{BundleException, BundleManifest, Bundles, FileDigest, ModelBundle, TensorInfo}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.{Fixtures, ImageInput, ParameterException}

class EmbeddingsPostprocessorSpec extends AnyFunSuite {
  private val features = ModelBundle.open(Bundles.features())

  private def postprocessor(pooling: Pooling, normalize: Boolean, outputs: (String, Seq[Long])*) =
    new EmbeddingsPostprocessor(manifest(outputs), pooling, normalize)

  private def manifest(outputs: Seq[(String, Seq[Long])]): BundleManifest = features.manifest.copy(
    outputs = outputs.map { case (name, shape) => TensorInfo(name, "float32", shape) },
    files = SortedMap.empty[String, FileDigest]
  )

  private val tokens = "last_hidden_state" -> Seq(-1L, 3L, 2L)
  private val states = Array(1f, 2f, 3f, 4f, 8f, 0f)

  test("cls is the first token's state") {
    assert(postprocessor(Pooling.Cls, false, tokens)(states).toSeq == Seq(1f, 2f))
  }

  test("mean is over all tokens") {
    assert(postprocessor(Pooling.Mean, false, tokens)(states).toSeq == Seq(4f, 2f))
  }

  test("cls of a model that has no class token is refused, naming what it has") {
    Seq("SwinModel", "ResNetModel", "IJepaModel").foreach { name =>
      val encoder = features.manifest.copy(architecture = name)
      val refused = intercept[ParameterException](new EmbeddingsPostprocessor(encoder, Pooling.Cls, normalize = false))
      assert(refused.getMessage.contains(s"$name has no class token") && refused.getMessage.contains("'mean'"))
    }
  }

  test("pooler without a pooler_output is refused, naming what there is") {
    val message = intercept[ParameterException](postprocessor(Pooling.Pooler, false, tokens)).getMessage
    assert(message.contains("pooler_output") && message.contains("'cls' or 'mean'"))
  }

  test("a normalised embedding has length 1") {
    assert(postprocessor(Pooling.Cls, true, tokens)(Array(3f, 4f, 0f, 0f, 0f, 0f)).toSeq == Seq(0.6f, 0.8f))
  }

  test("a normalised embedding of zeros stays zeros") {
    assert(postprocessor(Pooling.Cls, true, tokens)(new Array[Float](6)).toSeq == Seq(0f, 0f))
  }

  test("an unknown pooling is refused, naming those there are") {
    assert(intercept[ParameterException](Pooling.parse("max")).getMessage.contains("cls, mean, pooler"))
  }

  test("a local model reads the output that the pooling names") {
    def embedding(pooling: Pooling) =
      Using.resource(new LocalModel(features, ModelSettings(pooling = pooling))) { model =>
        assert(model.embeddingSize == 80)
        model.embeddings(Iterator(Fixtures.bytes("photos/cat_chelsea.png")))(ImageInput.Encoded).next()._2.toOption.get
      }
    val (cls, mean, pooler) = (embedding(Pooling.Cls), embedding(Pooling.Mean), embedding(Pooling.Pooler))
    assert(cls.toSeq == pooler.toSeq)
    assert(mean.length == 80 && mean.toSeq != cls.toSeq)
  }

  test("a model for feature extraction gives no logits, and says so") {
    Using.resource(new LocalModel(features)) { model =>
      val refused = intercept[BundleException](model.logits(Iterator("x"))(_ => ImageInput.Unusable("none")))
      assert(refused.getMessage.contains("feature-extraction"))
    }
  }

  test("a classification model gives no embeddings, and says how to export one that does") {
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()))) { model =>
      val refused = intercept[BundleException](model.embeddings(Iterator("x"))(_ => ImageInput.Unusable("none")))
      assert(refused.getMessage.contains("--task feature-extraction"))
    }
  }

  test("a bundle for feature extraction whose first output is no hidden state is refused") {
    val folder = Bundles.withManifest { manifest =>
      val _ = manifest.put("task", "feature-extraction")
    }
    assert(intercept[BundleException](ModelBundle.open(folder)).getMessage.contains("last_hidden_state"))
  }

  test("a bundle for an unknown task is refused, naming the known ones") {
    val folder = Bundles.withManifest { manifest =>
      val _ = manifest.put("task", "image-segmentation")
    }
    val message = intercept[BundleException](ModelBundle.open(folder)).getMessage
    assert(message.contains("'image-segmentation'") && message.contains("image-classification, feature-extraction"))
  }
}
