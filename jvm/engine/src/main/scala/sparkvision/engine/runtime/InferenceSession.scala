package sparkvision.engine.runtime

import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder, FloatBuffer, LongBuffer}
import java.util.concurrent.locks.ReentrantReadWriteLock

import scala.jdk.CollectionConverters._
import scala.util.Using

import ai.onnxruntime.OrtSession.{RunOptions, SessionOptions}
import ai.onnxruntime.platform.Fp16Conversions
import ai.onnxruntime.{OnnxJavaType, OnnxTensor, OrtException, OrtSession}
import org.slf4j.LoggerFactory

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelBundle, ModelTask, TensorInfo}
import sparkvision.image.preprocess.PaddedBatch
import sparkvision.image.{ProviderException, SparkVisionException}

/** A model loaded into ONNX Runtime. Any number of threads may call [[run]] at once.
  *
  * @param provider
  *   where it computes, `Auto` resolved
  */
final class InferenceSession private (
    session: OrtSession,
    manifest: BundleManifest,
    val provider: ExecutionProvider,
    config: SessionConfig
) extends BatchRunner
    with AutoCloseable {
  import InferenceSession.Closed

  private val input = manifest.inputs.head
  private val maskInput = manifest.inputs.find(_.name == TensorInfo.PixelMask)

  // To close a session that another thread runs would end the JVM in native code.
  private val running = new ReentrantReadWriteLock
  private var closed = false

  /** Runs one batch.
    *
    * @param images
    *   direct buffer of preprocessed images, one after the other; read from its start, left as it was
    * @param shape
    *   the batch's shape, images first
    * @param output
    *   the graph's output to compute
    * @param cancellation
    *   whether the values are still wanted
    * @return
    *   an array of the output's values for each image
    * @throws ProviderException
    *   when the provider cannot run the batch, or the session is closed
    * @throws BundleException
    *   when the output cannot be shared out among the images
    * @throws java.util.concurrent.CancellationException
    *   when the run was cancelled, or the JVM ends
    */
  override def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo = manifest.outputs.head,
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[Array[Float]] = whileOpen(cancellation) { options =>
    if (provider == ExecutionProvider.OneDnn) {
      OneDnn.setThreads(config.intraOpThreads)
      // Its kernels are made for the first batch's size and fail for every other. On a CPU single images lose nothing.
      BatchRunner.inPieces(images, shape, size = 1)(runBatch(_, _, None, Seq(output), options).head)
    } else runBatch(images, shape, None, Seq(output), options).head
  }

  /** Runs one batch of a detection model.
    *
    * @return
    *   the logits and the boxes of each image
    * @throws ProviderException
    *   as [[run]]
    */
  override private[engine] def detect(
      batch: PaddedBatch,
      cancellation: Cancellation
  ): IndexedSeq[(Array[Float], Array[Float])] = whileOpen(cancellation) { options =>
    val outputs = runBatch(batch.values, batch.shape, batch.mask, manifest.outputs, options)
    outputs.head.zip(outputs.last)
  }

  private def whileOpen[A](cancellation: Cancellation)(work: RunOptions => A): A =
    NativeRuns.shared.run(cancellation) { options =>
      running.readLock.lock()
      try {
        if (closed) throw new ProviderException(Closed)
        work(options)
      } finally running.readLock.unlock()
    }

  /** @return
    *   for each output the values of each image
    */
  private def runBatch(
      images: FloatBuffer,
      shape: Array[Long],
      mask: Option[LongBuffer],
      outputs: Seq[TensorInfo],
      options: RunOptions
  ): Seq[IndexedSeq[Array[Float]]] = {
    val size = shape.product.toInt
    val window = images.duplicate().position(0).limit(size)
    try
      Using.Manager { use =>
        val pixels = input.name -> use(tensor(window, shape))
        val masks = maskInput.map(_.name -> use(maskTensor(mask, Array(shape(0), shape(2), shape(3)))))
        val result = use(session.run((Map(pixels) ++ masks).asJava, outputs.map(_.name).toSet.asJava, options))
        outputs.map { output =>
          // From float16 it gives float32 too, which holds every float16.
          val values = result.get(output.name).get.asInstanceOf[OnnxTensor].getFloatBuffer
          perImage(output, values, shape(0).toInt)
        }
      }.get
    catch {
      case e: OrtException if provider == ExecutionProvider.OneDnn => throw OneDnn.cannotRun(e)
      case e: OrtException =>
        throw new ProviderException(
          s"The execution provider $provider cannot run a batch of shape ${shape.mkString("[", ", ", "]")}: " +
            s"${e.getMessage} A smaller batchSize needs less memory; executionProvider=cpu runs every standard operator.",
          e
        )
    }
  }

  /** float16 is rounded to the nearest, ties to even, as IEEE 754 and numpy do. int64 are token ids, which float32 holds. */
  private def tensor(values: FloatBuffer, shape: Array[Long]): OnnxTensor = input.elementType match {
    case TensorInfo.Float16 =>
      val halves = Fp16Conversions.convertFloatBufferToFp16Buffer(values)
      OnnxTensor.createTensor(OnnxRuntime.environment, halves, shape, OnnxJavaType.FLOAT16)
    case TensorInfo.Int64 =>
      val ids = Array.tabulate(values.remaining)(i => values.get(values.position() + i).toLong)
      OnnxTensor.createTensor(OnnxRuntime.environment, LongBuffer.wrap(ids), shape)
    case _ => OnnxTensor.createTensor(OnnxRuntime.environment, values, shape)
  }

  /** Without a mask every pixel is an image's. */
  private def maskTensor(mask: Option[LongBuffer], shape: Array[Long]): OnnxTensor =
    OnnxTensor.createTensor(
      OnnxRuntime.environment,
      mask.getOrElse(LongBuffer.wrap(Array.fill(shape.product.toInt)(1L))),
      shape
    )

  private def perImage(output: TensorInfo, values: FloatBuffer, images: Int): IndexedSeq[Array[Float]] = {
    if (values.remaining % images != 0)
      throw new BundleException(
        s"The graph's output '${output.name}' has ${values.remaining} values for $images images, which is no whole " +
          "number an image. Export the model with `sparkvision export`."
      )
    val valuesEach = values.remaining / images
    IndexedSeq.fill(images) {
      val one = new Array[Float](valuesEach)
      values.get(one)
      one
    }
  }

  /** Returns when no thread runs the session any more. */
  override def close(): Unit = {
    running.writeLock.lock()
    try
      if (!closed) {
        closed = true
        NativeRuns.shared.giveBack(session.close())
      }
    finally running.writeLock.unlock()
  }

  private def remedy: String = provider match {
    case ExecutionProvider.OneDnn => OneDnn.Remedy
    case _ => "Use executionProvider=cpu."
  }

  /** A provider that computes wrong numbers is refused: this machine must reproduce what the exporter saw. */
  private def checkGoldenPair(folder: Path): Unit = manifest.golden.foreach { golden =>
    val expected = InferenceSession.readFloats(folder.resolve(golden.output))
    val actual = run(InferenceSession.readFloats(folder.resolve(golden.input)), golden.inputShape.toArray).flatten
    if (actual.size != expected.remaining)
      throw new BundleException(
        s"The graph of $folder gives ${actual.size} values for its golden input, but ${golden.output} holds " +
          s"${expected.remaining}. Export the model again with `sparkvision export`."
      )
    val difference = actual.indices.map(i => math.abs(actual(i) - expected.get(i))).maxOption.getOrElse(0f)
    // Written so that NaN, which compares with nothing, is refused too.
    val largest = (0 until expected.remaining).map(i => math.abs(expected.get(i))).maxOption.getOrElse(0f)
    val tolerance = math.max(manifest.tolerance, config.relativeTolerance(provider) * largest)
    if (!(difference <= tolerance))
      throw new ProviderException(
        s"The execution provider $provider computes wrong numbers for ${manifest.architecture}: its output differs from " +
          s"the exporter's by $difference, more than the tolerance $tolerance. $remedy"
      )
  }
}

object InferenceSession {
  private val log = LoggerFactory.getLogger(classOf[InferenceSession])

  private[engine] val Closed = "The model's session is closed. Run the job again."

  /** Loads the bundle's model and lets it reproduce its golden pair. Takes seconds for a large model: share sessions
    * through `SessionCache`.
    *
    * @throws ProviderException
    *   when the provider is not usable here, or computes wrong numbers
    * @throws BundleException
    *   when the bundle was damaged since it was opened, or ONNX Runtime refuses the graph
    */
  def open(bundle: ModelBundle, config: SessionConfig): InferenceSession = {
    // An executor opens sessions hours after it checked its copy: from a damaged file ONNX Runtime computes wrong numbers.
    bundle.requireUndamaged()
    if (config.provider == ExecutionProvider.OneDnn && bundle.manifest.task == ModelTask.ObjectDetection)
      throw new ProviderException(
        "executionProvider=onednn runs images of one size only, and those of a detection model have many. Use " +
          "executionProvider=cpu."
      )
    val session = config.provider match {
      case ExecutionProvider.Auto =>
        best(OnnxRuntime.hasCuda)(openOn(_, bundle, config))
      case provider => openOn(provider, bundle, config)
    }
    log.info(
      s"Model ${bundle.manifest.modelHash.take(12)} (${bundle.manifest.architecture}) runs on ${session.provider}, " +
        s"${config.intraOpThreads} thread(s) a run"
    )
    session
  }

  /** What `open` gives on CUDA where the runtime has it and it is usable, else on the CPU. */
  private[engine] def best[S](hasCuda: Boolean)(open: ExecutionProvider => S): S =
    if (!hasCuda) open(ExecutionProvider.Cpu)
    else
      try open(ExecutionProvider.Cuda)
      catch {
        case e: ProviderException =>
          log.warn(s"executionProvider=auto falls back to the CPU: ${e.getMessage}")
          open(ExecutionProvider.Cpu)
      }

  private def openOn(provider: ExecutionProvider, bundle: ModelBundle, config: SessionConfig): InferenceSession = {
    val loaded = NativeRuns.shared.call {
      Using.resource(OnnxRuntime.options(provider, config))(load(bundle, _, provider))
    }
    val session = new InferenceSession(loaded, bundle.manifest, provider, config)
    try session.checkGoldenPair(bundle.folder)
    catch {
      case e: Throwable =>
        session.close()
        throw e
    }
    session
  }

  private def load(bundle: ModelBundle, options: SessionOptions, provider: ExecutionProvider): OrtSession =
    try OnnxRuntime.environment.createSession(bundle.graph.toString, options)
    catch { case e: OrtException => throw notLoaded(bundle.graph, provider, e) }

  /** CUDA is first used while the session is made, and fails there: for want of memory, of a driver, of a kernel for this
    * GPU. Where the graph itself is at fault, the CPU says so next.
    */
  private[engine] def notLoaded(graph: Path, provider: ExecutionProvider, e: OrtException): SparkVisionException =
    provider match {
      case ExecutionProvider.Cuda => Cuda.unusable(e)
      case ExecutionProvider.OneDnn => OneDnn.cannotRun(e)
      case _ =>
        new BundleException(
          s"ONNX Runtime cannot load $graph: ${e.getMessage} Export the model again, for instance with another --opset.",
          e
        )
    }

  /** A file of raw little-endian floats, as a direct buffer. */
  private[engine] def readFloats(file: Path): FloatBuffer = {
    val bytes = Files.readAllBytes(file)
    val buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder)
    buffer.asFloatBuffer.put(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer)
    buffer.asFloatBuffer
  }
}
