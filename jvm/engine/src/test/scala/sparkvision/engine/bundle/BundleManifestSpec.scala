package sparkvision.engine.bundle

import java.nio.file.{Files, Path}

import com.fasterxml.jackson.databind.node.{ArrayNode, ObjectNode}
import org.scalatest.funsuite.AnyFunSuite

/** What a manifest must satisfy by itself, before its graph is read. */
class BundleManifestSpec extends AnyFunSuite {

  private def parse(folder: Path): BundleManifest =
    BundleManifest.parse(Files.readString(folder.resolve(BundleManifest.FileName)), folder.toString)

  private def refusal(folder: Path): String = intercept[BundleException](parse(folder)).getMessage

  private def setFeatureShape(sizes: Int*)(manifest: ObjectNode): Unit = {
    val shape = manifest.at("/outputs/0").asInstanceOf[ObjectNode].putArray("shape")
    sizes.foreach(shape.add(_: Int))
  }

  Seq("inputs", "outputs").foreach { list =>
    test(s"a manifest with an empty list of $list is refused") {
      assert(refusal(Bundles.withManifest { manifest =>
        val _ = manifest.putArray(list)
      }).contains("names no input or no output"))
    }
  }

  test("labels are counted against the declared logits") {
    val message = refusal(Bundles.withManifest { manifest =>
      val _ = manifest.withArray[ArrayNode]("/labels").remove(0)
    })
    assert(message.contains("9 labels") && message.contains("10 logits"))
  }

  test("features of another rank than [images, tokens, size] are refused") {
    val message = refusal(Bundles.features(setFeatureShape(2, 80)))
    assert(message.contains("'last_hidden_state' with the shape [2, 80] instead of [images, tokens, size]"))
  }

  test("features of a negative size are refused") {
    assert(refusal(Bundles.features(setFeatureShape(2, 17, -3))).contains("with a fixed size"))
  }

  test("a size that the manifest leaves open is accepted, because the graph may fix it") {
    assert(parse(Bundles.features(setFeatureShape(2, 17, -1))).outputs.head.shape == Seq(2, 17, -1))
  }

  test("a zero-shot model without a text model is refused") {
    assert(refusal(Bundles.withManifest { manifest =>
      val _ = manifest.put("task", ModelTask.ZeroShotImageClassification.name)
    }).contains("names no text model"))
  }

  test("a detection model with other outputs than logits and boxes is refused") {
    assert(refusal(Bundles.withManifest { manifest =>
      val _ = manifest.put("task", ModelTask.ObjectDetection.name)
    }).contains("its outputs are logits instead of logits, pred_boxes"))
  }
}
