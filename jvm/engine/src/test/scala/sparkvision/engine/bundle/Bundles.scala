package sparkvision.engine.bundle

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.{ArrayNode, ObjectNode}

/** Copies of the embedded bundle for tests to use and to damage. */
object Bundles {
  private val mapper = new ObjectMapper

  /** A fresh copy of the embedded default model, a real bundle from our exporter. */
  def digits(): Path = {
    val folder = Files.createTempDirectory("bundle")
    EmbeddedModels.copyTo(EmbeddedModels.Default, folder)
    folder
  }

  /** The same as a Spark NLP user has it: no manifest, no golden pair. */
  def sparkNlpLayout(): Path = {
    val folder = digits()
    Files.delete(folder.resolve(BundleManifest.FileName))
    folder
  }

  /** A copy whose manifest was edited. */
  def withManifest(edit: ObjectNode => Unit): Path = digits().also(editManifest(_)(edit))

  /** The same model as one whose images have any number of labels. */
  def multiLabel(): Path = withManifest { manifest =>
    val _ = manifest.put("problemType", ProblemType.MultiLabel.name)
  }

  private def editManifest(folder: Path)(edit: ObjectNode => Unit): Unit = {
    val file = folder.resolve(BundleManifest.FileName)
    val manifest = mapper.readTree(Files.readString(file, UTF_8)).asInstanceOf[ObjectNode]
    edit(manifest)
    val _ = Files.writeString(file, mapper.writeValueAsString(manifest))
  }

  /** Replaces a file and has the manifest agree, as an attacker or a careless tool would. */
  def replaceFile(name: String, bytes: Array[Byte]): Path = withManifest { manifest =>
    val digest = manifest.get("files").asInstanceOf[ObjectNode].putObject(name)
    digest.put("sha256", BundleManifest.sha256(bytes)).put("size", bytes.length)
  }.also(folder => Files.write(folder.resolve(name), bytes))

  /** A graph like the embedded one, but it leaves the number of classes open, and so does the manifest. */
  def withOpenClassCount(edit: ObjectNode => Unit): Path = {
    val graph = Files.readAllBytes(digits().resolve(BundleManifest.GraphFile))
    // The last dimension of the output, which ends the graph's output: dim_value 10 becomes an empty dim_param.
    val ten = graph.lastIndexOfSlice(Protobuf.field(1, Protobuf.field(1, 10L)))
    Protobuf.field(1, Protobuf.field(2, "")).copyToArray(graph, ten)
    val folder = replaceFile(BundleManifest.GraphFile, graph)
    editManifest(folder) { manifest =>
      val _ = manifest.withArray[ArrayNode]("/outputs/0/shape").set(1, "classes")
      edit(manifest)
    }
    folder
  }

  /** A graph that gives its logits twice, as `logits` and as `again`; the manifest declares `output`. */
  def withSecondOutput(output: String): Path =
    withOutputs(("logits", "again", Seq(10L))).also(editManifest(_) { manifest =>
      val _ = manifest.at("/outputs/0").asInstanceOf[ObjectNode].put("name", output)
    })

  /** The embedded model as one for feature extraction: 17 tokens of 80 numbers, and the class token's, which the
    * classifier is fed, as the pooler's output.
    */
  def features(edit: ObjectNode => Unit = _ => ()): Path =
    withOutputs(
      ("/vit/layernorm/Add_1_output_0", "last_hidden_state", Seq(17L, 80L)),
      ("/Gather_output_0", "pooler_output", Seq(80L))
    ).also(editManifest(_) { manifest =>
      manifest.put("task", "feature-extraction").put("architecture", "ViTModel").putArray("labels")
      manifest.remove("golden")
      val outputs = manifest.putArray("outputs")
      outputs.add(mapper.readTree("""{"name": "last_hidden_state", "type": "float32", "shape": ["n", 17, 80]}"""))
      outputs.add(mapper.readTree("""{"name": "pooler_output", "type": "float32", "shape": ["n", 80]}"""))
      edit(manifest)
    })

  /** The embedded graph with further outputs: each a tensor inside it, the output's name and its shape for an image. */
  private def withOutputs(more: (String, String, Seq[Long])*): Path = {
    // Protobuf merges a second graph into the first.
    val merged = more.map { case (tensor, name, shape) =>
      val node = Protobuf.field(1, tensor) ++ Protobuf.field(2, name) ++ Protobuf.field(4, "Identity")
      val sizes =
        Protobuf.field(1, Protobuf.field(2, "batch_size")) +: shape.map(n => Protobuf.field(1, Protobuf.field(1, n)))
      val tensorType = Protobuf.field(1, 1L) ++ Protobuf.field(2, sizes.reduce(_ ++ _))
      val output = Protobuf.field(1, name) ++ Protobuf.field(2, Protobuf.field(1, tensorType))
      Protobuf.field(7, Protobuf.field(1, node) ++ Protobuf.field(12, output))
    }
    replaceFile(
      BundleManifest.GraphFile,
      Files.readAllBytes(digits().resolve(BundleManifest.GraphFile)) ++ merged.reduce(_ ++ _)
    )
  }

  /** Damages a file as a failing disk does. */
  def flipByte(file: Path): Unit = {
    val bytes = Files.readAllBytes(file)
    bytes(bytes.length / 2) = (bytes(bytes.length / 2) ^ 1).toByte
    val _ = Files.write(file, bytes)
  }

  /** The same model under other labels. */
  def relabelled(): Path = withManifest { manifest =>
    val labels = manifest.putArray("labels")
    (0 until 10).foreach(i => labels.add(s"another $i"))
  }

  implicit final private class Also[A](private val value: A) extends AnyVal {
    def also(effect: A => Any): A = {
      val _ = effect(value)
      value
    }
  }
}
