package sparkvision.engine.text

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path, StandardCopyOption}

import scala.util.Using
import scala.util.control.NonFatal

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary.LIB

import sparkvision.engine.bundle.{BundleException, ModelBundle}
import sparkvision.image.ProviderException

/** Hugging Face's own tokenizer (the Rust library), configured by the `tokenizer.json` of a bundle.
  *
  * The JNI class is called directly, because the Java API around it searches for CUDA and would download a native library.
  */
final private[engine] class TextTokenizer private (handle: Long) extends AutoCloseable {

  /** The token ids of a text, with the first and last token of the model, truncated to the length that the model reads. */
  def ids(text: String): Array[Long] = {
    val encoding = LIB.encode(handle, text, true)
    try {
      val found = LIB.getTokenIds(encoding)
      found.find(_ > TextTokenizer.LargestId).foreach { id =>
        throw new BundleException(
          s"The bundle's tokenizer returns the token id $id, more than ${TextTokenizer.LargestId}."
        )
      }
      found
    } finally LIB.deleteEncoding(encoding)
  }

  override def close(): Unit = LIB.deleteTokenizer(handle)
}

private[engine] object TextTokenizer {

  /** Batches contain ids as float32, which represents every integer up to this one. Vocabularies have some 50,000. */
  private val LargestId = 1L << 24

  /** @throws BundleException
    *   when the library cannot read the bundle's tokenizer
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

/** The native library of Hugging Face's tokenizers, from the jar that contains it. A process loads it once, so this object
  * holds that state itself.
  */
private[engine] object TokenizersNative {

  /** Loads the library at the first call; never downloads. */
  def load(): Unit = loaded

  private lazy val loaded: Unit = {
    val name = s"libtokenizers.${if (system == "osx") "dylib" else "so"}"
    val resource = s"native/lib/$system-$processor/cpu/$name"
    // Each class loader needs its own file, because Java loads a file into one class loader only.
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
      // A loaded library does not need its file.
      Files.deleteIfExists(file)
      val _ = Files.deleteIfExists(folder)
    }
  }

  private def copy(resource: String, file: Path): Unit = {
    val found = Option(getClass.getClassLoader.getResourceAsStream(resource)).getOrElse {
      throw new ProviderException(
        s"No jar on the classpath has $resource, so texts cannot be tokenised here. Add the jars that `sparkvision jars` " +
          "prints, or that sparkvision_2.13 depends on, to the classpath; or choose the labels when you export, with " +
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
