package sparkvision.engine.text

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.Files

import scala.util.control.NonFatal

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary.LIB

import sparkvision.engine.bundle.{BundleException, ModelBundle}

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
