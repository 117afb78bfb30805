package sparkvision.engine.bundle

import java.nio.file.{Files, Path}

import com.fasterxml.jackson.databind.node.{ArrayNode, ObjectNode}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.{ParameterException, ProcessorException}

class ModelBundleSpec extends AnyFunSuite {

  private def refusal(folder: Path): String = intercept[BundleException](ModelBundle.open(folder)).getMessage

  private def addFile(name: String): Path = Bundles.withManifest { manifest =>
    manifest.get("files").asInstanceOf[ObjectNode].putObject(name).put("sha256", "00").put("size", 1)
    ()
  }

  test("a bundle knows its labels, inputs and outputs without a runtime") {
    val manifest = ModelBundle.open(Bundles.digits()).manifest
    assert(manifest.labels.size == 10)
    assert(manifest.inputs.map(_.name) == Seq("pixel_values"))
    assert(manifest.outputs.map(_.name) == Seq("logits"))
    assert(manifest.architecture == "ViTForImageClassification")
  }

  test("the hash depends on content and not on place") {
    assert(ModelBundle.open(Bundles.digits()).bundleHash == ModelBundle.open(Bundles.digits()).bundleHash)
  }

  test("a missing folder is refused, with the command that makes a bundle") {
    val message = intercept[ParameterException](ModelBundle.open(Path.of("/no/such/bundle"))).getMessage
    assert(message.contains("/no/such/bundle") && message.contains("sparkvision export"))
  }

  test("a flipped byte in model.onnx is refused, naming the file") {
    val folder = Bundles.digits()
    Bundles.flipByte(folder.resolve(BundleManifest.GraphFile))
    assert(refusal(folder).contains("model.onnx is damaged"))
  }

  test("a missing file is refused, naming it") {
    val folder = Bundles.digits()
    Files.delete(folder.resolve("assets/labels.json"))
    assert(refusal(folder).contains("assets/labels.json"))
  }

  Seq("../evil.bin", "/etc/passwd", "a/../../b", "C:/windows", "a\\b", "").foreach { name =>
    test(s"a manifest that names '$name' is refused") {
      assert(refusal(addFile(name)).contains("not inside"))
    }
  }

  Seq("ops.so", "ops.so.1", "OPS.DLL", "a/ops.dylib").foreach { name =>
    test(s"the native library $name is refused") {
      assert(refusal(addFile(name)).contains("native library"))
    }
  }

  test("a link to a place outside the bundle is refused") {
    val folder = Bundles.digits()
    val labels = folder.resolve("assets/labels.json")
    val outside = Files.copy(labels, Files.createTempDirectory("outside").resolve("labels.json"))
    Files.delete(labels)
    Files.createSymbolicLink(labels, outside)
    assert(refusal(folder).contains("link"))
  }

  test("labels that do not match the logits are refused, with both numbers") {
    val message = refusal(Bundles.withManifest { manifest =>
      val _ = manifest.get("labels").asInstanceOf[ArrayNode].remove(0)
    })
    assert(message.contains("9 labels") && message.contains("10 logits"))
  }

  test("an input that the graph does not have is refused") {
    val message = refusal(Bundles.withManifest { manifest =>
      val _ = manifest.get("inputs").get(0).asInstanceOf[ObjectNode].put("name", "pixels")
    })
    assert(message.contains("'pixels'") && message.contains("pixel_values"))
  }

  test("a manifest of a later version is refused") {
    assert(refusal(Bundles.withManifest { m =>
      val _ = m.put("schemaVersion", 99)
    }).contains("99"))
  }

  test("a manifest that is not JSON is refused") {
    val folder = Bundles.digits()
    Files.writeString(folder.resolve(BundleManifest.FileName), "{")
    assert(refusal(folder).contains("is not JSON"))
  }

  test("a manifest without an entry is refused, naming it") {
    assert(refusal(Bundles.withManifest { m =>
      val _ = m.remove("outputs")
    }).contains("'outputs'"))
  }

  test("an unknown preprocessing setting is refused by name") {
    val config = """{"image_processor_type": "ViTImageProcessor", "size": 32, "do_sharpen": true}"""
    val folder = Bundles.replaceFile("assets/preprocessor_config.json", config.getBytes)
    assert(intercept[ProcessorException](ModelBundle.open(folder)).getMessage.contains("do_sharpen"))
  }

  test("a folder in Spark NLP's layout is read without a manifest, labels in id order") {
    val derived = ModelBundle.open(Bundles.sparkNlpLayout()).manifest
    val exported = ModelBundle.open(Bundles.digits()).manifest
    assert(derived.labels == exported.labels)
    assert(derived.inputs == exported.inputs && derived.outputs == exported.outputs)
    assert(derived.golden.isEmpty)
  }

  test("a Spark NLP folder whose ids have a gap is refused") {
    val folder = Bundles.sparkNlpLayout()
    Files.writeString(folder.resolve("assets/labels.json"), """{"cat": 0, "dog": 2}""")
    assert(refusal(folder).contains("id"))
  }
}
