package sparkvision.ml

import java.nio.file.Files

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import org.apache.spark.ml.linalg.Vector
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles}
import sparkvision.ml.stage.BundleReadable

/** The stage that computes embeddings with a model of any architecture; its Params are tested in ViTImageEmbeddingsSpec. */
class ImageEmbeddingsSpec extends AnyFunSuite with LocalSpark {
  private val mapper = new ObjectMapper

  private def bundleOf(architecture: String): String = {
    val folder = Bundles.features()
    val file = folder.resolve("sparkvision.json")
    val manifest = mapper.readTree(Files.readAllBytes(file)).asInstanceOf[ObjectNode].put("architecture", architecture)
    Files.write(file, mapper.writeValueAsBytes(manifest))
    folder.toString
  }

  private def embeddings(companion: BundleReadable[_ <: ImageEmbeddings], bundle: String): Seq[Vector] = companion
    .loadSavedModel(bundle, spark)
    .setInputCols("content")
    .setEmbeddingsCol("features")
    .transform(mixed)
    .collect()
    .toSeq
    .map(_.getAs[Vector]("features"))

  test("an architecture without a stage of its own is run") {
    val rows = embeddings(ImageEmbeddings, bundleOf("BeitModel"))
    assert(rows.map(_ != null) == Seq(true, true, false, true, true, false) && rows.head.size == 80)
  }

  test("ViTImageEmbeddings computes the same, with a model of every architecture") {
    Seq("ViTModel", "Dinov2Model").map(bundleOf).foreach { bundle =>
      assert(embeddings(ViTImageEmbeddings, bundle) == embeddings(ImageEmbeddings, bundle))
    }
  }

  test("a classification bundle is refused, naming its stage") {
    val message = intercept[BundleException](ImageEmbeddings.loadSavedModel("embedded:digits", spark)).getMessage
    assert(message.contains("Use ViTForImageClassification") && message.contains("--task feature-extraction"))
  }

  test("a bundle of embeddings is referred to the stage of its architecture, or else to ImageEmbeddings") {
    val stages = Seq("ViTModel", "LevitModel").map { architecture =>
      val refused = intercept[BundleException](ImageClassification.loadSavedModel(bundleOf(architecture), spark))
      "Use (\\w+)".r.findFirstMatchIn(refused.getMessage).map(_.group(1))
    }
    assert(stages.flatten == Seq("ViTImageEmbeddings", "ImageEmbeddings"))
  }
}
