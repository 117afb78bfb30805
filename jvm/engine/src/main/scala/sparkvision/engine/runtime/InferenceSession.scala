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
import sparkvision.image.{ProviderException, SparkVisionException}

/** One session of ONNX Runtime: a model loaded on one execution provider. Any number of threads may call [[run]] at once.
  *
  * @param provider
  *   where the session computes; never `Auto`
  * @param nativeRuns
  *   the gate that every call into ONNX Runtime passes
  */
final private[engine] class InferenceSession private (
    session: OrtSession,
    manifest: BundleManifest,
    val provider: ExecutionProvider,
    config: SessionConfig,
    nativeRuns: NativeRuns
) extends BatchRunner
    with AutoCloseable {
  import InferenceSession.Closed

  private val input = manifest.inputs.head
  private val maskInput = manifest.inputs.find(_.name == TensorInfo.PixelMask)

  // Closing a session while another thread runs it would end the JVM in native code.
  private val running = new ReentrantReadWriteLock
  private var closed = false

  /** Runs one batch.
    *
    * @throws ProviderException
    *   when the provider cannot run the batch, or the session is closed
    * @throws BundleException
    *   when the values of an output cannot be divided among the items of the batch
    * @throws java.util.concurrent.CancellationException
    *   when the run was cancelled, or the JVM is shutting down
    */
  override def run(
      batch: Batch,
      outputs: Seq[TensorInfo] = Seq(manifest.outputs.head),
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[BatchRunner.Values] = whileOpen(cancellation) { options =>
    if (provider == ExecutionProvider.OneDnn) {
      OneDnn.setThreads(config.intraOpThreads)
      // oneDNN's kernels are made for the size of the first batch and fail for every other. On a CPU, single images are
      // not slower.
      batch.pieces(most = 1).flatMap(runPiece(_, outputs, options))
    } else runPiece(batch, outputs, options)
  }

  private def whileOpen[A](cancellation: Cancellation)(work: RunOptions => A): A =
    nativeRuns.run(cancellation) { options =>
      running.readLock.lock()
      try {
        if (closed) throw new ProviderException(Closed)
        work(options)
      } finally running.readLock.unlock()
    }

  private def runPiece(
      batch: Batch,
      outputs: Seq[TensorInfo],
      options: RunOptions
  ): IndexedSeq[BatchRunner.Values] = {
    val shape = batch.shape
    val values = batch.values.duplicate().position(0).limit(batch.size * batch.valuesEach)
    try
      Using.Manager { use =>
        val items = input.name -> use(tensor(values, shape))
        val masks = maskInput.map(_.name -> use(maskTensor(batch.mask, Array(shape(0), shape(2), shape(3)))))
        val result = use(session.run((Map(items) ++ masks).asJava, outputs.map(_.name).toSet.asJava, options))
        val each = outputs.map { output =>
          // ONNX Runtime converts float16 to float32, which represents every float16.
          perItem(output, result.get(output.name).get.asInstanceOf[OnnxTensor].getFloatBuffer, batch.size)
        }
        (0 until batch.size).map(item => each.map(_(item)).toIndexedSeq)
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

  /** Values are rounded to float16 to the nearest, ties to even, as in IEEE 754 and numpy. int64 inputs are token ids, which
    * float32 represents exactly.
    */
  private def tensor(values: FloatBuffer, shape: Array[Long]): OnnxTensor = input.elementType match {
    case TensorInfo.Float16 =>
      val halves = Fp16Conversions.convertFloatBufferToFp16Buffer(values)
      OnnxTensor.createTensor(OnnxRuntime.environment, halves, shape, OnnxJavaType.FLOAT16)
    case TensorInfo.Int64 =>
      val ids = Array.tabulate(values.remaining)(i => values.get(values.position() + i).toLong)
      OnnxTensor.createTensor(OnnxRuntime.environment, LongBuffer.wrap(ids), shape)
    case _ => OnnxTensor.createTensor(OnnxRuntime.environment, values, shape)
  }

  /** Without a mask, every pixel belongs to an image. */
  private def maskTensor(mask: Option[LongBuffer], shape: Array[Long]): OnnxTensor =
    OnnxTensor.createTensor(
      OnnxRuntime.environment,
      mask.getOrElse(LongBuffer.wrap(Array.fill(shape.product.toInt)(1L))),
      shape
    )

  private def perItem(output: TensorInfo, values: FloatBuffer, items: Int): IndexedSeq[Array[Float]] = {
    if (values.remaining % items != 0)
      throw new BundleException(
        s"The output '${output.name}' of the graph has ${values.remaining} values for $items items, which is not a whole " +
          "number for each. Export the model with `sparkvision export`."
      )
    val valuesEach = values.remaining / items
    IndexedSeq.fill(items) {
      val one = new Array[Float](valuesEach)
      values.get(one)
      one
    }
  }

  /** Returns when no thread runs the session. */
  override def close(): Unit = {
    running.writeLock.lock()
    try
      if (!closed) {
        closed = true
        nativeRuns.giveBack(session.close())
      }
    finally running.writeLock.unlock()
  }

  private def remedy: String = provider match {
    case ExecutionProvider.OneDnn => OneDnn.Remedy
    case _ => "Use executionProvider=cpu."
  }

  /** Refuses a provider that computes wrong numbers: this machine must reproduce the output that the exporter recorded. */
  private def checkGoldenPair(folder: Path): Unit = manifest.golden.foreach { golden =>
    val expected = InferenceSession.readFloats(folder.resolve(golden.output))
    val input = Batch(InferenceSession.readFloats(folder.resolve(golden.input)), golden.inputShape.toArray)
    val actual = run(input).flatMap(_.head)
    if (actual.size != expected.remaining)
      throw new BundleException(
        s"The graph of $folder returns ${actual.size} values for its golden input, but ${golden.output} has " +
          s"${expected.remaining}. Export the model again with `sparkvision export`."
      )
    val difference = actual.indices.map(i => math.abs(actual(i) - expected.get(i))).maxOption.getOrElse(0f)
    // The comparison is negated so that NaN is refused too.
    val largest = (0 until expected.remaining).map(i => math.abs(expected.get(i))).maxOption.getOrElse(0f)
    val tolerance = math.max(manifest.tolerance, config.relativeTolerance(provider) * largest)
    if (!(difference <= tolerance))
      throw new ProviderException(
        s"The execution provider $provider computes wrong numbers for ${manifest.architecture}: its output differs from " +
          s"the exporter's by $difference, more than the tolerance $tolerance. $remedy"
      )
  }
}

private[engine] object InferenceSession {
  private val log = LoggerFactory.getLogger(classOf[InferenceSession])

  val Closed = "The model's session is closed. Run the job again."

  /** Loads the bundle's model and verifies that it reproduces its golden pair. This takes seconds for a large model:
    * `SessionCache` shares sessions.
    *
    * @throws ProviderException
    *   when the provider is not usable here, or computes wrong numbers
    * @throws BundleException
    *   when the bundle was damaged since it was opened, or ONNX Runtime refuses the graph
    */
  def open(bundle: ModelBundle, config: SessionConfig, nativeRuns: NativeRuns): InferenceSession = {
    // An executor may open a session hours after it verified its copy, and ONNX Runtime would compute wrong numbers from a
    // damaged file.
    bundle.requireUndamaged()
    if (config.provider == ExecutionProvider.OneDnn && bundle.manifest.task == ModelTask.ObjectDetection)
      throw new ProviderException(
        "executionProvider=onednn runs images of one size only, and the images of a detection model have many sizes. " +
          "Use executionProvider=cpu."
      )
    val session = config.provider match {
      case ExecutionProvider.Auto =>
        best(OnnxRuntime.hasCuda)(openOn(_, bundle, config, nativeRuns))
      case provider => openOn(provider, bundle, config, nativeRuns)
    }
    log.info(
      s"Model ${bundle.manifest.modelHash.take(12)} (${bundle.manifest.architecture}) runs on ${session.provider}, " +
        s"${config.intraOpThreads} thread(s) a run"
    )
    session
  }

  /** Opens on CUDA where the runtime has CUDA and it is usable, and else on the CPU. */
  def best[S](hasCuda: Boolean)(open: ExecutionProvider => S): S =
    if (!hasCuda) open(ExecutionProvider.Cpu)
    else
      try open(ExecutionProvider.Cuda)
      catch {
        case e: ProviderException =>
          log.warn(s"executionProvider=auto falls back to the CPU: ${e.getMessage}")
          open(ExecutionProvider.Cpu)
      }

  private def openOn(
      provider: ExecutionProvider,
      bundle: ModelBundle,
      config: SessionConfig,
      nativeRuns: NativeRuns
  ): InferenceSession = {
    val loaded = nativeRuns.call {
      Using.resource(OnnxRuntime.options(provider, config))(load(bundle, _, provider))
    }
    val session = new InferenceSession(loaded, bundle.manifest, provider, config, nativeRuns)
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

  /** CUDA is first used while the session is created, and fails there if it lacks memory, a driver or a kernel for this GPU.
    * If the graph itself is at fault, the CPU provider reports it next.
    */
  def notLoaded(graph: Path, provider: ExecutionProvider, e: OrtException): SparkVisionException =
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
  def readFloats(file: Path): FloatBuffer = {
    val bytes = Files.readAllBytes(file)
    val buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder)
    buffer.asFloatBuffer.put(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer)
    buffer.asFloatBuffer
  }
}
