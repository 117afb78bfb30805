package sparkvision.engine.text

import java.nio.file.{Files, Path, StandardCopyOption}

import scala.util.Using

import sparkvision.image.ProviderException

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
