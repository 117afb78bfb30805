package sparkvision.engine.pipeline

import java.nio.FloatBuffer

import sparkvision.engine.bundle.{BundleManifest, ModelBundle, TensorInfo}
import sparkvision.engine.session.{Batcher, ModelListener, ModelSession, SessionCache}
import sparkvision.image.preprocess.{ChannelLayout, Preprocessor}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, ProcessorException}

/** Runs images that preprocessing brings to one size, in batches.
  *
  * @throws ProcessorException
  *   when the settings make images that the model cannot take
  * @throws ParameterException
  *   when a batch of the settings' size has more bytes than a buffer can
  */
final private[engine] class UniformRuns(
    bundle: ModelBundle,
    settings: ModelSettings,
    session: ModelSession,
    listener: ModelListener
) {
  import ModelListener.timed

  private val preprocessor =
    new Preprocessor(bundle.processor.withOverrides(settings.processor), bundle.manifest.inputLayout)
  private val decoding = new ImageDecoding(settings, listener)

  /** The shape of one image as the model is fed it. */
  val inputShape: Seq[Int] = UniformRuns.inputShape(bundle.manifest, preprocessor)
  private val floatsPerImage = inputShape.product

  // Here, so that the driver refuses what makes no sense, and not every task.
  Batcher.requireBatch(settings.batchSize, floatsPerImage)

  /** What the session is fed; it is not opened. */
  def preprocessed[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, Array[Float]])] = {
    session.requireOpen()
    val buffer = FloatBuffer.allocate(floatsPerImage)
    items.map { item =>
      buffer.clear()
      val floats =
        try {
          prepare(image(item), buffer)
          Right(buffer.array.clone())
        } catch { case e: ImageException => Left(e.reason) }
      item -> floats
    }
  }

  /** Each item with what `postprocess` makes of its image's values of `output`, or with the reason why there is none:
    * it may throw [[ImageException]].
    */
  def results[A, R](items: Iterator[A], output: TensorInfo, postprocess: Array[Float] => R)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, R])] = {
    session.occupyCore()
    new Batcher[Either[String, R]](
      settings.batchSize,
      floatsPerImage,
      prepare,
      (batch, images) => {
        val claim = session.claim()
        val outputs = timed(listener.ran(images, _))(runAll(claim, batch, images, output))
        timed(listener.postprocessed)(outputs.map { values =>
          try Right(postprocess(values))
          catch { case e: ImageException => Left(e.reason) }
        })
      },
      session.onSpareCores
    ).results(items)(image).map { case (item, result) => item -> result.flatten }
  }

  private def runAll(
      claim: SessionCache.Lease,
      batch: FloatBuffer,
      images: Int,
      output: TensorInfo
  ): IndexedSeq[Array[Float]] = session.inRuns(claim, images, floatsPerImage) { (from, count) =>
    val shape = (count +: inputShape).map(_.toLong).toArray
    val pixels = batch.slice(from * floatsPerImage, count * floatsPerImage)
    claim.run(pixels, shape, output, settings.batchSize, session.cancellation)
  }

  private def prepare(image: ImageInput, target: FloatBuffer): Unit = {
    val pixels = decoding.pixels(image)(preprocessor.target)
    timed(listener.preprocessed) {
      ImageMemory.refusing(pixels.width, pixels.height)(preprocessor.process(pixels, target))
    }
  }
}

private object UniformRuns {

  /** The shape that preprocessing makes and the graph takes; they must agree. */
  def inputShape(manifest: BundleManifest, preprocessor: Preprocessor): Seq[Int] = {
    val (height, width) = (preprocessor.height, preprocessor.width)
    val (shape, axes) = manifest.inputLayout match {
      case ChannelLayout.ChannelsFirst => (Seq(3, height, width), "channels, height, width")
      case ChannelLayout.ChannelsLast => (Seq(height, width, 3), "height, width, channels")
    }
    val graph = manifest.inputs.head.shape.drop(1)
    val fits = graph.zip(shape).forall { case (fixed, made) => fixed == -1 || fixed == made }
    if (!fits)
      throw new ProcessorException(
        s"Preprocessing makes images of ${shape.mkString(" x ")} ($axes), but the graph takes " +
          s"${graph.mkString(" x ")}. Leave size, height and width unset to use the bundle's own."
      )
    shape
  }
}
