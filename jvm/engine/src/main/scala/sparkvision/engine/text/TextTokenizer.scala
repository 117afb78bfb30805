package sparkvision.engine.text

import java.nio.charset.StandardCharsets.UTF_8
import scala.util.control.NonFatal
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary.LIB
import sparkvision.engine.bundle.{BundleException, ModelBundle}
import java.nio.file.{Files, Path, StandardCopyOption}
import scala.util.Using
import sparkvision.image.ProviderException

/** Hugging Face's own tokenizer, the Rust library, as a bundle's `tokenizer.json` sets it up.
  *
  * The JNI class is called itself: the Java API around it looks for CUDA, and would download a native library for it.
  */
final private[engine] class TextTokenizer private (handle: Long) extends AutoCloseable {

  /** A text's token ids with the model's own first and last token, cut off at the longest that the model reads. */
  def ids(text: String): Array[Long] = {
    val encoding = LIB.encode(handle, text, true)
    try {
      val found = LIB.getTokenIds(encoding)
      found.find(_ > TextTokenizer.LargestId).foreach { id =>
        throw new BundleException(
          s"The bundle's tokenizer gives the token id $id, more than ${TextTokenizer.LargestId}."
        )
      }
      found
    } finally LIB.deleteEncoding(encoding)
  }

  override def close(): Unit = LIB.deleteTokenizer(handle)
}

private[engine] object TextTokenizer {

  /** Ids travel as float32, which holds every whole number up to here. Vocabularies have some 50,000. */
  private val LargestId = 1L << 24

  /** @throws BundleException
    *   when the bundle's tokenizer is none that the library reads
    */
  def open(bundle: ModelBundle): TextTokenizer = {
    val file = bundle.folder.resolve(bundle.requireText.tokenizer)
    TokenizersNative.load()
    try new TextTokenizer(LIB.createTokenizerFromString(Files.readString(file, UTF_8)))
    catch {
      case NonFatal(e) =>
        throw new BundleException(
          s"$file cannot be read as a tokenizer: ${e.getMessage} Export the checkpoint again with " +
            "`sparkvision export --task zero-shot-image-classification`.",
          e
        )
    }
  }
}

/** The native library of Hugging Face's tokenizers, out of the jar that carries it. */
private[engine] object TokenizersNative {

  /** Loads it, once a class loader; downloads nothing. */
  def load(): Unit = loaded

  private lazy val loaded: Unit = {
    val name = s"libtokenizers.${if (system == "osx") "dylib" else "so"}"
    val resource = s"native/lib/$system-$processor/cpu/$name"
    // A file of its own for each class loader, because Java loads a file into one of them only.
    val folder = Files.createTempDirectory("sparkvision-tokenizers-")
    val file = folder.resolve(name)
    try {
      copy(resource, file)
      System.load(file.toString)
    } catch {
      case failure: LinkageError =>
        throw new ProviderException(
          s"the tokenizers' native library cannot be loaded: ${failure.getMessage}; it needs a C library as new as its own, " +
            "and a folder for temporary files (java.io.tmpdir) from which libraries may be loaded",
          failure
        )
    } finally {
      // What is loaded stays so without its file.
      Files.deleteIfExists(file)
      val _ = Files.deleteIfExists(folder)
    }
  }

  private def copy(resource: String, file: Path): Unit = {
    val found = Option(getClass.getClassLoader.getResourceAsStream(resource)).getOrElse {
      throw new ProviderException(
        s"No jar on the classpath has $resource, so texts cannot be tokenised here. Put the jars on the classpath that " +
          "`sparkvision jars` prints, or that sparkvision_2.13 depends on; or fix the labels when you export, with " +
          "--candidate-labels."
      )
    }
    Using.resource(found) { in =>
      val _ = Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING)
    }
  }

  private def system: String = if (System.getProperty("os.name").startsWith("Mac")) "osx" else "linux"

  private def processor: String = System.getProperty("os.arch") match {
    case "amd64" => "x86_64"
    case "arm64" => "aarch64"
    case other => other
  }
}
