package sparkvision.engine

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
  def withSecondOutput(output: String): Path = {
    val node = Protobuf.field(1, "logits") ++ Protobuf.field(2, "again") ++ Protobuf.field(4, "Identity")
    val shape = Protobuf.field(1, Protobuf.field(2, "batch_size")) ++ Protobuf.field(1, Protobuf.field(1, 10L))
    val tensorType = Protobuf.field(1, 1L) ++ Protobuf.field(2, shape)
    val again = Protobuf.field(1, "again") ++ Protobuf.field(2, Protobuf.field(1, tensorType))
    // Protobuf merges a second graph into the first.
    val more = Protobuf.field(7, Protobuf.field(1, node) ++ Protobuf.field(12, again))
    val graph = Files.readAllBytes(digits().resolve(BundleManifest.GraphFile)) ++ more
    replaceFile(BundleManifest.GraphFile, graph).also(editManifest(_) { manifest =>
      val _ = manifest.at("/outputs/0").asInstanceOf[ObjectNode].put("name", output)
    })
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
