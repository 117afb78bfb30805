package sparkvision.ml.task

import org.apache.spark.sql.SparkSession

import sparkvision.engine.postprocess.EmbeddingsPostprocessor
import sparkvision.engine.text.TextEncoder
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.output.EmbeddingsOutput

/** Computes the embedding of each text. */
final private[ml] case class EncodeTexts(name: String, run: ModelRun, output: EmbeddingsOutput, normalize: Boolean)
    extends RowFunction[Either[String, String]] {
  override def description: String = run.description
  override def input: RowInput[Either[String, String]] = RowInput.Text
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false

  override def start(spark: SparkSession): RowTask[Either[String, String]] =
    new EncodeTextsTask(run.start(spark)(_ => ()), output, normalize)
}

/** [[EncodeTexts]] inside the tasks. */
final private[ml] class EncodeTextsTask(runner: PartitionRunner, output: EmbeddingsOutput, normalize: Boolean)
    extends RowTask[Either[String, String]] {

  override def modelHash: Option[String] = Some(runner.model.bundleHash)

  override def apply(texts: Iterator[Either[String, String]], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    if (texts.isEmpty) Iterator.empty
    else {
      val encoder = runner.opened { (bundle, settings, cancellation, runtime) =>
        new TextEncoder(bundle, settings.batchSize, settings.sessionSettings, metrics, cancellation, runtime)
      }
      encoder.embeddings(texts)(identity).map { case (_, found) =>
        metrics.image(isUsable = found.isRight)
        Some(output.columns(if (normalize) found.map(EmbeddingsPostprocessor.normalized) else found))
      }
    }
}
