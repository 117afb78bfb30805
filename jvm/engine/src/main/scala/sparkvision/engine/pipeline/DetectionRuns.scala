package sparkvision.engine.pipeline

import sparkvision.engine.bundle.{BundleException, ModelBundle, ModelTask, TensorInfo}
import sparkvision.engine.postprocess.{Detection, DetectionPostprocessor}
import sparkvision.engine.session.{ImageBatches, ModelListener, ModelSession}
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.preprocess.{DetectionInput, DetectionPreprocessor, PaddedBatch}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, ParameterException, PixelSize}

/** Runs images through a detection model. Each keeps its aspect ratio; those of a batch are padded to one size.
  *
  * @throws BundleException
  *   when the bundle is for another task
  * @throws ProcessorException
  *   when the processor's settings do not suit a detection model
  */
final private[engine] class DetectionRuns(
    bundle: ModelBundle,
    settings: ModelSettings,
    session: ModelSession,
    listener: ModelListener
) {
  import ModelListener.timed

  if (bundle.manifest.task != ModelTask.ObjectDetection)
    throw new BundleException(
      s"The bundle ${bundle.folder} is for ${bundle.manifest.task.name}: it detects no objects. Export a detection " +
        "model with `sparkvision export --task object-detection`."
    )
  if (settings.batchSize < 1)
    throw new ParameterException(s"batchSize must be at least 1, not ${settings.batchSize}.")

  private val config = bundle.processor.withOverrides(settings.processor)
  private val preprocessor = new DetectionPreprocessor(config)
  private val postprocessor = postprocessorOf(settings.threshold, settings.topK)
  private val masked = bundle.manifest.inputs.exists(_.name == TensorInfo.PixelMask)
  private val decoding = new ImageDecoding(settings, listener)

  /** What takes the objects out of the model's outputs. */
  def postprocessorOf(threshold: Double, topK: Option[Int]): DetectionPostprocessor =
    new DetectionPostprocessor(bundle.manifest.labels, threshold, topK)

  /** Each item with the objects in its image, or with the reason why there are none; in order, lazily. */
  def results[A](items: Iterator[A], postprocessor: DetectionPostprocessor = postprocessor)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[Detection]])] = {
    session.occupyCore()
    new Batches(postprocessor).results(items)(image).map { case (item, result) => item -> result.flatten }
  }

  final private class Batches(postprocessor: DetectionPostprocessor)
      extends ImageBatches[Either[String, Seq[Detection]]](settings.batchSize) {
    private var inputs = Vector.empty[DetectionInput]

    override protected def add(images: IndexedSeq[ImageInput], before: Int): IndexedSeq[Option[String]] = {
      val prepared = session.onSpareCores(images.map(image => () => tryPrepare(image)))
      inputs ++= prepared.flatMap(_.toOption)
      prepared.map(_.left.toOption)
    }

    override protected def run(images: Int): IndexedSeq[Either[String, Seq[Detection]]] = {
      val batch = inputs
      inputs = Vector.empty
      runBatch(batch, postprocessor)
    }
  }

  private def tryPrepare(image: ImageInput): Either[String, DetectionInput] =
    try Right(prepare(image))
    catch { case e: ImageException => Left(e.reason) }

  private def prepare(image: ImageInput): DetectionInput = {
    val pixels = decoding.pixels(image)(preprocessor.target)
    // A draft of a JPEG has fewer pixels than the image that boxes are given in.
    val original = image match {
      case ImageInput.Encoded(bytes) =>
        val header = ImageHeader.read(bytes)
        PixelSize(header.uprightHeight, header.uprightWidth)
      case _ => PixelSize(pixels.height, pixels.width)
    }
    timed(listener.preprocessed) {
      ImageMemory.refusing(pixels.width, pixels.height)(preprocessor.process(pixels, original))
    }
  }

  /** A batch for which there is no memory is run image by image, and an image for which there is none has no result. */
  private def runBatch(
      inputs: IndexedSeq[DetectionInput],
      postprocessor: DetectionPostprocessor
  ): IndexedSeq[Either[String, Seq[Detection]]] =
    try {
      val outputs = detect(PaddedBatch.of(inputs, config.padSize, masked))
      timed(listener.postprocessed) {
        outputs.zip(inputs).map { case ((logits, boxes), input) => Right(postprocessor(logits, boxes, input.original)) }
      }
    } catch {
      case e: ImageException if inputs.size == 1 => IndexedSeq(Left(e.reason))
      case _: ImageException => inputs.flatMap(one => runBatch(IndexedSeq(one), postprocessor))
    }

  private def detect(batch: PaddedBatch): IndexedSeq[(Array[Float], Array[Float])] = {
    val claim = session.claim()
    timed(listener.ran(batch.images, _)) {
      session.inRuns(claim, batch.images, batch.valuesEach) { (from, count) =>
        claim.detect(batch.slice(from, count), session.cancellation)
      }
    }
  }
}
