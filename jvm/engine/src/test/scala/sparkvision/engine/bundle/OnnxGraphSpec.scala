package sparkvision.engine.bundle

import java.nio.file.{Files, Path}

import org.scalatest.funsuite.AnyFunSuite

class OnnxGraphSpec extends AnyFunSuite {

  import Protobuf.field

  private def file(bytes: Array[Byte]): Path = Files.write(Files.createTempFile("graph", ".onnx"), bytes)

  private def tensorAt(location: String): Array[Byte] =
    field(13, field(1, "location".getBytes) ++ field(2, location.getBytes))

  test("inputs and outputs of an exported graph are read with their shapes") {
    val graph = OnnxGraph.read(Bundles.digits().resolve(BundleManifest.GraphFile))
    assert(graph.inputs == Seq(TensorInfo("pixel_values", "float32", Seq(-1, 3, 32, 32))))
    assert(graph.outputs == Seq(TensorInfo("logits", "float32", Seq(-1, 10))))
    assert(graph.externalData.isEmpty)
  }

  test("external data of an initializer is found") {
    val model = field(7, field(5, tensorAt("weights.bin")))
    assert(OnnxGraph.read(file(model)).externalData == Set("weights.bin"))
  }

  test("external data hidden in the graph of an attribute is found") {
    // model.graph(7) > node(1) > attribute(5) > g(6) > node(1) > attribute(5) > t(5)
    val inner = field(1, field(5, field(5, tensorAt("../../etc/passwd"))))
    val model = field(7, field(1, field(5, field(6, inner))))
    assert(OnnxGraph.read(file(model)).externalData == Set("../../etc/passwd"))
  }

  test("external data in a function's node is found") {
    val model = field(7, Array.emptyByteArray) ++ field(25, field(7, field(5, field(5, tensorAt("f.bin")))))
    assert(OnnxGraph.read(file(model)).externalData == Set("f.bin"))
  }

  test("a bundle whose graph keeps weights outside it is refused") {
    val model = field(7, field(5, tensorAt("../secret")))
    val folder = Bundles.replaceFile(BundleManifest.GraphFile, model)
    assert(intercept[BundleException](ModelBundle.open(folder)).getMessage.contains("../secret"))
  }

  Seq("assets/labels.json", "golden/input.f32").foreach { name =>
    test(s"weights in $name, which the model's hash leaves out, are refused") {
      val folder = Bundles.replaceFile(BundleManifest.GraphFile, field(7, field(5, tensorAt(name))))
      assert(intercept[BundleException](ModelBundle.open(folder)).getMessage.contains(s"keeps weights in '$name'"))
      Files.delete(folder.resolve(BundleManifest.FileName))
      assert(intercept[BundleException](ModelBundle.open(folder)).getMessage.contains(s"keeps weights in '$name'"))
    }
  }

  test("a key of more than 32 bits, which parsers cut down to another field's, is refused") {
    val location = field(1, "location") ++ field(2, "../secret")
    // Field 13 to a parser that keeps 32 bits of EA 80 80 80 10 ...
    val disguised =
      Array(0xea, 0x80, 0x80, 0x80, 0x10).map(_.toByte) ++ Protobuf.varint(location.length.toLong) ++ location
    val model = field(7, field(5, disguised))
    assert(intercept[BundleException](OnnxGraph.read(file(model))).getMessage.contains("not an ONNX graph"))
  }

  test("a field of number 0 is refused") {
    val model = field(7, field(5, tensorAt("weights.bin"))) ++ field(0, "nothing")
    assert(intercept[BundleException](OnnxGraph.read(file(model))).getMessage.contains("not an ONNX graph"))
  }

  Seq(
    "text" -> "hello, world".getBytes,
    "an empty file" -> Array.emptyByteArray,
    "a length beyond the end" -> Array[Byte](0x3a, 0x7f, 1),
    "an endless varint" -> Array.fill[Byte](32)(-1)
  ).foreach { case (what, bytes) =>
    test(s"$what is refused as no ONNX graph") {
      assert(intercept[BundleException](OnnxGraph.read(file(bytes))).getMessage.contains("not an ONNX graph"))
    }
  }
}
