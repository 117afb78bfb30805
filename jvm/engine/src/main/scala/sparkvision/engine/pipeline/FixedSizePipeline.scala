package sparkvision.engine.pipeline

import java.nio.FloatBuffer

import sparkvision.engine.bundle.{BundleManifest, ModelBundle, TensorInfo}
import sparkvision.engine.runtime.Batch
import sparkvision.engine.session.{Batches, FixedSizeBatches, ModelListener, TaskSession}
import sparkvision.image.preprocess.{ChannelLayout, Preprocessor}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, ProcessorException}

/** Decodes images, preprocesses them to one size and runs them in batches.
  *
  * @throws ProcessorException
  *   when preprocessing would not produce images that the model takes
  */
final private[engine] class FixedSizePipeline(
    bundle: ModelBundle,
    settings: ModelSettings,
    session: TaskSession,
    listener: ModelListener
) {
  import ModelListener.timed

  private val preprocessor = FixedSizePipeline.preprocessor(bundle, settings)
  private val decoder = new InputDecoder(settings.maxImagePixels, settings.decodeMode, listener)

  /** The shape of one image in the model's input. */
  val inputShape: Seq[Int] = FixedSizePipeline.inputShape(bundle.manifest, preprocessor)
  private val floatsPerImage = inputShape.product

  /** The values that the model would be given. Opens no session. */
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

  /** Each item with the result of its image, or with the reason why there is none.
    *
    * @param output
    *   the output of the graph to compute
    * @param postprocess
    *   from the values of one image to its result; it may throw [[ImageException]]
    */
  def results[A, R](items: Iterator[A], output: TensorInfo, postprocess: Array[Float] => R)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, R])] = {
    session.occupyCore()
    new FixedSizeBatches[ImageInput, Either[String, R]](
      settings.batchSizeOf(bundle.manifest.task),
      floatsPerImage,
      prepare,
      (values, count) => {
        val outputs = session.run(Batch(values, (count +: inputShape).map(_.toLong).toArray), Seq(output))
        timed(listener.postprocessed)(outputs.map { one =>
          try Right(postprocess(one.head))
          catch { case e: ImageException => Left(e.reason) }
        })
      },
      session.onSpareCores
    ).results(items)(image).map { case (item, result) => item -> result.flatten }
  }

  private def prepare(image: ImageInput, target: FloatBuffer): Unit = {
    val pixels = decoder.pixels(image)(preprocessor.target)
    timed(listener.preprocessed) {
      ImageMemory.refusing(pixels.width, pixels.height)(preprocessor.process(pixels, target))
    }
  }
}

private[engine] object FixedSizePipeline {

  /** Verifies that the settings suit the model.
    *
    * @throws ProcessorException
    *   when preprocessing would not produce images that the model takes
    * @throws ParameterException
    *   when a batch would have more bytes than a buffer can
    */
  def requireUsable(bundle: ModelBundle, settings: ModelSettings): Unit = {
    val shape = inputShape(bundle.manifest, preprocessor(bundle, settings))
    Batches.requireSize(settings.batchSizeOf(bundle.manifest.task), shape.map(_.toLong).product)
  }

  private def preprocessor(bundle: ModelBundle, settings: ModelSettings): Preprocessor =
    new Preprocessor(bundle.processor.withOverrides(settings.processor), bundle.manifest.inputLayout)

  /** The shape of one image, on which preprocessing and graph must agree. */
  private def inputShape(manifest: BundleManifest, preprocessor: Preprocessor): Seq[Int] = {
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
