package sparkvision.engine.pipeline

import sparkvision.engine.bundle.{BundleException, ModelBundle, ModelTask, TensorInfo}
import sparkvision.engine.postprocess.{Detection, DetectionPostprocessor}
import sparkvision.engine.runtime.Batch
import sparkvision.engine.session.{Batches, ModelListener, TaskSession}
import sparkvision.image.preprocess.{DetectionInput, DetectionPreprocessor, PaddedBatch}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, PixelSize}

/** Decodes images, preprocesses them and runs them through a detection model. Each image keeps its aspect ratio; the images
  * of a batch are padded to one size.
  *
  * @throws BundleException
  *   when the bundle is for another task
  * @throws ProcessorException
  *   when the settings of the processor do not suit a detection model
  */
final private[engine] class DetectionPipeline(
    bundle: ModelBundle,
    settings: ModelSettings,
    session: TaskSession,
    listener: ModelListener
) {
  import ModelListener.timed

  DetectionPipeline.requireDetector(bundle)

  private val config = bundle.processor.withOverrides(settings.processor)
  private val preprocessor = new DetectionPreprocessor(config)
  private val postprocessor = postprocessorOf(settings.threshold, settings.topK)
  private val masked = bundle.manifest.inputs.exists(_.name == TensorInfo.PixelMask)
  private val decoder = new InputDecoder(settings.maxImagePixels, settings.decodeMode, listener)

  /** Converts the outputs of the model to objects. */
  def postprocessorOf(threshold: Double, topK: Option[Int]): DetectionPostprocessor =
    new DetectionPostprocessor(bundle.manifest.labels, threshold, topK)

  /** Each item with the objects in its image, or with the reason why there are none; in order, lazily. */
  def results[A](items: Iterator[A], postprocessor: DetectionPostprocessor = postprocessor)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[Detection]])] = {
    session.occupyCore()
    new PaddedBatches(postprocessor).results(items)(image).map { case (item, result) => item -> result.flatten }
  }

  final private class PaddedBatches(postprocessor: DetectionPostprocessor)
      extends Batches[ImageInput, Either[String, Seq[Detection]]](settings.batchSizeOf(bundle.manifest.task)) {
    private var inputs = Vector.empty[DetectionInput]

    override protected def add(images: IndexedSeq[ImageInput], before: Int): IndexedSeq[Option[String]] = {
      val prepared = session.onSpareCores(images.map(image => () => tryPrepare(image)))
      inputs ++= prepared.flatMap(_.toOption)
      prepared.map(_.left.toOption)
    }

    override protected def run(count: Int): IndexedSeq[Either[String, Seq[Detection]]] = {
      val batch = inputs
      inputs = Vector.empty
      runBatch(batch, postprocessor)
    }
  }

  private def tryPrepare(image: ImageInput): Either[String, DetectionInput] =
    try Right(prepare(image))
    catch { case e: ImageException => Left(e.reason) }

  private def prepare(image: ImageInput): DetectionInput = {
    // Boxes refer to the original image. The decoder asks for a target only where it may return fewer pixels (a draft).
    var ofDraft = Option.empty[PixelSize]
    val pixels = decoder.pixels(image) { size =>
      ofDraft = Some(size)
      preprocessor.target(size)
    }
    val original = ofDraft.getOrElse(PixelSize(pixels.height, pixels.width))
    timed(listener.preprocessed) {
      ImageMemory.refusing(pixels.width, pixels.height)(preprocessor.process(pixels, original))
    }
  }

  /** A batch for which there is no memory is run image by image, and an image for which there is no memory has no result. */
  private def runBatch(
      inputs: IndexedSeq[DetectionInput],
      postprocessor: DetectionPostprocessor
  ): IndexedSeq[Either[String, Seq[Detection]]] =
    try {
      val batch = Batch.of(PaddedBatch.of(inputs, config.padSize, masked))
      val outputs = session.run(batch, bundle.manifest.outputs, mayJoin = false)
      timed(listener.postprocessed) {
        outputs.zip(inputs).map { case (values, input) =>
          Right(postprocessor(values.head, values.last, input.original))
        }
      }
    } catch {
      case e: ImageException if inputs.size == 1 => IndexedSeq(Left(e.reason))
      case _: ImageException => inputs.flatMap(one => runBatch(IndexedSeq(one), postprocessor))
    }
}

private[engine] object DetectionPipeline {

  /** Verifies that the settings suit the model.
    *
    * @throws ProcessorException
    *   when the settings of the processor do not suit a detection model
    */
  def requireUsable(bundle: ModelBundle, settings: ModelSettings): Unit = {
    requireDetector(bundle)
    val _ = new DetectionPreprocessor(bundle.processor.withOverrides(settings.processor))
  }

  private def requireDetector(bundle: ModelBundle): Unit =
    if (bundle.manifest.task != ModelTask.ObjectDetection)
      throw new BundleException(
        s"The bundle ${bundle.folder} is for ${bundle.manifest.task.name}: it does not detect objects. Export a detection " +
          "model with `sparkvision export --task object-detection`."
      )
}
