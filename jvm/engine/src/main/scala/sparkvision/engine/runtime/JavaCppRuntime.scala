package sparkvision.engine.runtime

import java.lang.reflect.InvocationTargetException

import ai.onnxruntime.OrtSession.SessionOptions
import org.bytedeco.javacpp.Pointer

import sparkvision.image.ProviderException
import sparkvision.image.codec.OpenCv

/** JavaCPP's build of ONNX Runtime, the only one on Maven with oneDNN, or with CUDA 13.
  *
  * In it, `SessionOptions.addDnnl` and `addCUDA` look for libraries where Microsoft's jars have them, in vain. The C
  * functions behind them work: they are called here on the options' native handle. By reflection, because this build has its
  * own copy of `ai.onnxruntime`, and the engine compiles against Microsoft's.
  */
private[engine] object JavaCppRuntime {
  private val Functions = "org.bytedeco.onnxruntime.global.onnxruntime"
  private val Options = "org.bytedeco.onnxruntime.OrtSessionOptions"
  private val CudaLibrary = "org/bytedeco/onnxruntime/linux-x86_64-gpu/libonnxruntime_providers_cuda.so"
  private val loader = getClass.getClassLoader

  /** Whether it is the runtime on the classpath. */
  def isPresent: Boolean = loader.getResource(s"${Functions.replace('.', '/')}.class") != null

  def hasCuda: Boolean = loader.getResource(CudaLibrary) != null

  /** Adds a provider to a session's options: `function(options, argument)`.
    *
    * @throws ProviderException
    *   when the provider refuses
    */
  def append(options: SessionOptions, function: String, argument: Int): Unit = {
    OpenCv.load() // as in call
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
    OpenCv.load() // it lifts JavaCPP's limit of memory, which counts once JavaCPP is first used
    try Class.forName(binding).getMethod(function, arguments.map(_._1): _*).invoke(null, arguments.map(_._2): _*)
    catch {
      case e: InvocationTargetException => throw notLoaded(binding, e.getCause)
      case e @ (_: LinkageError | _: ClassNotFoundException) => throw notLoaded(binding, e)
    }
  }

  private def notLoaded(binding: String, cause: Throwable): ProviderException = new ProviderException(
    s"$binding cannot be loaded: $cause. Put all the jars on the classpath that `sparkvision jars --onednn` (of CUDA 13, `--cuda13`) " +
      "prints, or that sparkvision-onednn_2.13 depends on.",
    cause
  )

  private def handleOf(options: SessionOptions): Long = {
    val handle = classOf[SessionOptions].getDeclaredMethod("getNativeHandle")
    handle.setAccessible(true)
    handle.invoke(options).asInstanceOf[Long]
  }

  /** What lies at an address of native memory; not freed by JavaCPP. */
  final private class Address(at: Long) extends Pointer {
    address = at
  }
}
