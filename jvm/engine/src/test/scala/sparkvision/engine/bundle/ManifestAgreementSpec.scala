package sparkvision.engine.bundle

import java.nio.FloatBuffer
import java.nio.file.{Files, Path}

import scala.util.Using

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.{ArrayNode, ObjectNode}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.runtime.{Batch, InferenceSession, NativeRuns, SessionConfig}
import sparkvision.image.{Fixtures, ImageInput, ProviderException}

class ManifestAgreementSpec extends AnyFunSuite {
  private val mapper = new ObjectMapper

  private def refusal(folder: Path): String = intercept[BundleException](ModelBundle.open(folder)).getMessage

  /** The message for a manifest in which the value at a JSON pointer's place is another. */
  private def refusalWith(parent: String, key: String, json: String): String =
    refusal(Bundles.withManifest { manifest =>
      val _ = manifest.at(parent) match {
        case entry: ObjectNode => entry.set[ObjectNode](key, mapper.readTree(json))
        case list: ArrayNode => list.set(key.toInt, mapper.readTree(json))
        case other => fail(s"$parent is $other")
      }
    })

  private def tensor(name: String, elementType: Long, sizes: Long*): Array[Byte] = {
    val shape = sizes.map(size => Protobuf.field(1, Protobuf.field(1, size))).reduce(_ ++ _)
    val tensorType = Protobuf.field(1, elementType) ++ Protobuf.field(2, shape)
    Protobuf.field(1, name) ++ Protobuf.field(2, Protobuf.field(1, tensorType))
  }

  private def graph(inputs: Seq[Array[Byte]], output: Array[Byte]): Path =
    Bundles.replaceFile(
      BundleManifest.GraphFile,
      Protobuf.field(7, inputs.map(Protobuf.field(11, _)).reduce(_ ++ _) ++ Protobuf.field(12, output))
    )

  test("an input of another type than the graph's is refused, with both") {
    val message = refusalWith("/inputs/0", "type", "\"float16\"")
    assert(message.contains("'pixel_values' is float16") && message.contains("float32"))
  }

  test("an input of another rank than the graph's is refused, with both shapes") {
    val message = refusalWith("/inputs/0", "shape", "[\"batch_size\", 3, 32]")
    assert(message.contains("[-1, 3, 32]") && message.contains("[-1, 3, 32, 32]"))
  }

  test("an input of another size than the graph's is refused") {
    assert(refusalWith("/inputs/0", "shape", "[\"batch_size\", 3, 64, 32]").contains("[-1, 3, 64, 32]"))
  }

  test("an output of another size than the graph's is refused") {
    val message = refusal(Bundles.withManifest { manifest =>
      manifest.withArray[ArrayNode]("/outputs/0/shape").set(1, 11)
      val _ = manifest.withArray[ArrayNode]("/labels").add("ten")
    })
    assert(message.contains("[-1, 11]"))
  }

  test("labels are counted against the graph's classes where the manifest leaves them open") {
    val message = refusal(Bundles.withManifest { manifest =>
      manifest.withArray[ArrayNode]("/outputs/0/shape").set(1, "classes")
      val _ = manifest.withArray[ArrayNode]("/labels").remove(0)
    })
    assert(message.contains("9 labels") && message.contains("10 logits"))
  }

  test("a graph of two inputs is refused, naming them") {
    val inputs = Seq(tensor("pixel_values", 1, 1, 3, 32, 32), tensor("mask", 1, 1, 32))
    assert(refusal(graph(inputs, tensor("logits", 1, 1, 10))).contains("2 inputs (pixel_values, mask)"))
  }

  test("a first output that is not float32 is refused") {
    val folder = graph(Seq(tensor("pixel_values", 1, 1, 3, 32, 32)), tensor("logits", 7, 1, 10))
    assert(refusal(folder).contains("'logits' is float32, but the graph says int64"))
    Files.delete(folder.resolve(BundleManifest.FileName))
    assert(refusal(folder).contains("'logits' of the bundle") && refusal(folder).contains("is int64"))
  }

  Seq("[0, 3, 32, 32]", "[-2, 3, 32, 32]", "[\"two\", 3, 32, 32]", "[]").foreach { shape =>
    test(s"the golden input shape $shape is refused") {
      assert(refusalWith("/golden", "inputShape", shape).contains("at least 1"))
    }
  }

  test("a golden file of another size than its shape is refused, with both sizes") {
    val message = refusalWith("/golden", "outputShape", "[3, 10]")
    assert(message.contains("takes 120 bytes") && message.contains("golden/output.f32 has 80"))
  }

  test("a golden shape whose size passes every integer is refused") {
    assert(refusalWith("/golden", "inputShape", "[4294967296, 4294967296, 32, 32]").contains("bytes"))
  }

  test("a golden input that does not fit the graph's input is refused") {
    assert(refusalWith("/golden", "inputShape", "[2, 3, 64, 16]").contains("does not fit 'pixel_values'"))
  }

  test("logits that do not match the labels are refused when only a run can tell") {
    val bundle = ModelBundle.open(Bundles.withOpenClassCount { manifest =>
      val _ = manifest.withArray[ArrayNode]("/labels").remove(0)
    })
    assert(bundle.manifest.outputs.head.shape == Seq(-1, -1))
    Using.resource(new LocalModel(bundle)) { model =>
      val images = Iterator(Fixtures.pixels("photos/cat_chelsea.png"))
      val message = intercept[BundleException](model.logits(images)(ImageInput.Decoded).next()).getMessage
      assert(message.contains("10 logits") && message.contains("9 labels"))
    }
  }

  test("a golden output of another length than the graph's is refused when only a run can tell") {
    val bundle = ModelBundle.open(Bundles.withOpenClassCount { manifest =>
      val golden = manifest.get("golden").asInstanceOf[ObjectNode]
      golden.set[ObjectNode]("inputShape", mapper.readTree("[2, 3, 32, 32]"))
      // 10 floats where the graph gives 20: the manifest's own lists agree with the shorter file.
      val half = Array.fill[Byte](40)(0)
      val digest = manifest.get("files").asInstanceOf[ObjectNode].putObject("golden/half.f32")
      digest.put("sha256", BundleManifest.sha256(half)).put("size", half.length)
      golden.put("output", "golden/half.f32").set[ObjectNode]("outputShape", mapper.readTree("[2, 5]"))
    } match {
      case folder =>
        Files.write(folder.resolve("golden/half.f32"), Array.fill[Byte](40)(0))
        folder
    })
    val message = intercept[BundleException](InferenceSession.open(bundle, SessionConfig(), new NativeRuns)).getMessage
    assert(message.contains("20 values") && message.contains("10"))
  }

  test("a batch that the provider cannot run is refused, naming the provider") {
    val bundle = ModelBundle.open(Bundles.digits())
    Using.resource(InferenceSession.open(bundle, SessionConfig(), new NativeRuns)) { session =>
      val image = java.nio.ByteBuffer.allocateDirect(4 * 3 * 16 * 16).asFloatBuffer: FloatBuffer
      val message = intercept[ProviderException](session.run(Batch(image, Array[Long](1, 3, 16, 16)))).getMessage
      assert(message.contains("execution provider cpu") && message.contains("[1, 3, 16, 16]"))
    }
  }
}
