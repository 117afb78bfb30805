package sparkvision.ml.task

import java.nio.charset.StandardCharsets.UTF_8

import sparkvision.engine.postprocess.EmbeddingsPostprocessor
import sparkvision.engine.text.TextEncoder
import sparkvision.image.ImageInput
import sparkvision.ml.column.SourceImage
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.output.EmbeddingsOutput

/** Gives each text's embedding. A text comes the way that images come: as its bytes, in UTF-8. */
final private[ml] case class EncodeTexts(
    name: String,
    runner: PartitionRunner,
    output: EmbeddingsOutput,
    normalize: Boolean
) extends ImageFunction {
  override def description: String = runner.description
  override def modelHash: Option[String] = Some(runner.model.bundleHash)
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false

  override def apply(texts: Iterator[SourceImage], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    if (texts.isEmpty) Iterator.empty
    else {
      val encoder = runner.opened(new TextEncoder(_, _, metrics, _))
      encoder.embeddings(texts)(source => EncodeTexts.text(source.image)).map { case (source, found) =>
        metrics.image(isUsable = found.isRight)
        val embedding = if (normalize) found.map(EmbeddingsPostprocessor.normalized) else found
        Some(output.values(source, embedding))
      }
    }
}

private[ml] object EncodeTexts {
  def text(carrier: ImageInput): Either[String, String] = carrier match {
    case ImageInput.Encoded(utf8) => Right(new String(utf8, UTF_8))
    case _ => Left("the text is null")
  }
}
