package sparkvision.engine.runtime

import java.lang.{Long => JavaLong}

import scala.jdk.CollectionConverters._

import ai.onnxruntime.OrtSession.SessionOptions
import ai.onnxruntime.{OrtEnvironment, OrtLoggingLevel, OrtProvider}
import org.slf4j.LoggerFactory

import sparkvision.image.ProviderException

/** The one ONNX Runtime on the classpath: the one for CPUs, for GPUs or with oneDNN, all in the package `ai.onnxruntime`.
  *
  * This object uses only what `ai.onnxruntime` 1.24 has, the oldest runtime that has a variant. It holds state of its own,
  * because a process has one native runtime and loads it once.
  */
private[engine] object OnnxRuntime {
  private val log = LoggerFactory.getLogger(getClass)
  private val RuntimeClass = "ai/onnxruntime/OrtEnvironment.class"
  private val LogId = "sparkvision"
  private val LogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR

  /** ONNX Runtime's process-wide environment. It is never closed, not even when the JVM ends.
    *
    * @throws ProviderException
    *   when the classpath has no runtime, or two, whose native libraries would shadow each other
    */
  lazy val environment: OrtEnvironment = {
    val jars = getClass.getClassLoader.getResources(RuntimeClass).asScala.map(_.toString).toSeq.distinct
    if (jars.isEmpty)
      throw new ProviderException(
        "ONNX Runtime is not on the classpath. Depend on exactly one of the artifacts sparkvision_2.13 (CPU), " +
          "sparkvision-gpu_2.13 or sparkvision-onednn_2.13, or start Spark with sparkvision.start()."
      )
    if (jars.size > 1)
      throw new ProviderException(
        s"There are ${jars.size} copies of ONNX Runtime on the classpath, but only one is allowed: ${jars.mkString(" and ")}. Remove all but one."
      )
    val env = OrtEnvironment.getEnvironment(LogLevel, LogId)
    env.setTelemetry(false)
    keepAlive()
    env
  }

  /** Creates a second reference to the native environment, which is never released.
    *
    * `OrtEnvironment` registers a shutdown hook that releases its own reference while other threads may still run sessions,
    * which would end the JVM with SIGSEGV. The environment is destroyed with its last reference, and therefore never. The hook
    * itself cannot be removed without a reference to its thread, and cannot be delayed because hooks run concurrently. The Java
    * API does not create a second reference, so this method uses reflection.
    */
  private def keepAlive(): Unit =
    try {
      val api = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("ortApiHandle")
      val create =
        classOf[OrtEnvironment].getDeclaredMethod("createHandle", JavaLong.TYPE, Integer.TYPE, classOf[String])
      api.setAccessible(true)
      create.setAccessible(true)
      val _ = create.invoke(null, api.get(null), Int.box(LogLevel.getValue), LogId)
    } catch {
      case e: ReflectiveOperationException =>
        log.warn(
          s"This ONNX Runtime is not one that SparkVision knows: a JVM that ends while a model runs may crash ($e)"
        )
    }

  /** Whether a run can be told to end. JavaCPP's build has the class `RunOptions` without its native functions. */
  lazy val canEndRuns: Boolean = !JavaCppRuntime.isPresent

  /** Whether this runtime was built with CUDA. Whether CUDA works on this machine is known when a session is opened. */
  def hasCuda: Boolean = providers.contains(OrtProvider.CUDA)

  /** The providers that this runtime was built with. */
  def providers: Set[OrtProvider] = {
    environment // checks the classpath first
    // In JavaCPP's build (1.24.1-1.5.13) the list that getAvailableProviders copies is empty.
    if (JavaCppRuntime.hasCuda) Set(OrtProvider.CUDA, OrtProvider.DNNL, OrtProvider.CPU)
    else if (JavaCppRuntime.isPresent) Set(OrtProvider.DNNL, OrtProvider.CPU)
    else OrtEnvironment.getAvailableProviders.asScala.toSet
  }

  /** Options for a session on `provider`, which is not `Auto`. The caller closes them.
    *
    * @throws ProviderException
    *   when this runtime does not have that provider, or a library it needs is missing
    */
  def options(provider: ExecutionProvider, config: SessionConfig): SessionOptions = {
    val options = new SessionOptions
    try {
      options.setIntraOpNumThreads(config.intraOpThreads)
      options.setInterOpNumThreads(1)
      options.setExecutionMode(SessionOptions.ExecutionMode.SEQUENTIAL)
      options.setSessionLogLevel(LogLevel)
      provider match {
        case ExecutionProvider.Cuda => Cuda.add(options, config)
        case ExecutionProvider.OneDnn => OneDnn.add(options, config.oneDnnFpMath)
        case _ => ()
      }
      options
    } catch {
      case e: Throwable =>
        options.close()
        throw e
    }
  }
}
