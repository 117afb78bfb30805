package sparkvision.engine.runtime

import java.lang.reflect.InvocationTargetException

import ai.onnxruntime.OrtSession.SessionOptions
import org.bytedeco.javacpp.Pointer

import sparkvision.image.ProviderException
import sparkvision.image.codec.OpenCv

/** JavaCPP's build of ONNX Runtime, the only build on Maven with oneDNN or CUDA 13.
  *
  * In this build, `SessionOptions.addDnnl` and `addCUDA` do not work, because they search for libraries at the paths of
  * Microsoft's jars. The C functions behind them work, and are called here with the native handle of the options. The calls
  * use reflection, because this build has its own copy of `ai.onnxruntime` and the engine is compiled against Microsoft's.
  */
private[engine] object JavaCppRuntime {
  private val Functions = "org.bytedeco.onnxruntime.global.onnxruntime"
  private val Options = "org.bytedeco.onnxruntime.OrtSessionOptions"
  private val CudaLibrary = "org/bytedeco/onnxruntime/linux-x86_64-gpu/libonnxruntime_providers_cuda.so"
  private val loader = getClass.getClassLoader

  /** Whether this build is the runtime on the classpath. */
  def isPresent: Boolean = loader.getResource(s"${Functions.replace('.', '/')}.class") != null

  def hasCuda: Boolean = loader.getResource(CudaLibrary) != null

  /** Adds a provider to a session's options: `function(options, argument)`.
    *
    * @throws ProviderException
    *   when the provider refuses
    */
  def append(options: SessionOptions, function: String, argument: Int): Unit = {
    OpenCv.load() // for the same reason as in call
    val optionsClass = Class.forName(Options)
    val ofPointer = optionsClass.getConstructor(classOf[Pointer]).newInstance(new Address(handleOf(options)))
    val status = call(Functions, function, optionsClass -> ofPointer, Integer.TYPE -> Int.box(argument))
    if (status != null) throw new ProviderException(s"$function of JavaCPP's ONNX Runtime reports a failure.")
  }

  /** A static function of a JavaCPP binding.
    *
    * @throws ProviderException
    *   when its native library cannot be loaded
    */
  def call(binding: String, function: String, arguments: (Class[_], AnyRef)*): AnyRef = {
    OpenCv.load() // removes JavaCPP's memory limit, which takes effect at the first use of JavaCPP
    try Class.forName(binding).getMethod(function, arguments.map(_._1): _*).invoke(null, arguments.map(_._2): _*)
    catch {
      case e: InvocationTargetException => throw notLoaded(binding, e.getCause)
      case e @ (_: LinkageError | _: ClassNotFoundException) => throw notLoaded(binding, e)
    }
  }

  private def notLoaded(binding: String, cause: Throwable): ProviderException = new ProviderException(
    s"$binding cannot be loaded: $cause. Put all the jars on the classpath that `sparkvision jars --onednn` (for CUDA 13, `--cuda13`) " +
      "prints, or that sparkvision-onednn_2.13 depends on.",
    cause
  )

  private def handleOf(options: SessionOptions): Long = {
    val handle = classOf[SessionOptions].getDeclaredMethod("getNativeHandle")
    handle.setAccessible(true)
    handle.invoke(options).asInstanceOf[Long]
  }

  /** A pointer to an address of native memory, which JavaCPP does not free. */
  final private class Address(at: Long) extends Pointer {
    address = at
  }
}
