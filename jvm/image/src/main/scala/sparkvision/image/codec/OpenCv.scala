package sparkvision.image.codec

import org.bytedeco.javacpp.{BytePointer, Loader, Pointer, PointerPointer, PointerScope}
import org.bytedeco.opencv.global.{opencv_core, opencv_imgcodecs}
import org.bytedeco.opencv.opencv_core.ErrorCallback

import sparkvision.image.ProviderException

/** The native library of OpenCV, which is loaded and configured once in each JVM. JavaCPP caches the unpacked files, so that
  * they are unpacked once on each machine.
  */
private[sparkvision] object OpenCv {

  /** The symbol of `cv::utils::logging::setLogLevel(LogLevel)` in the Itanium C++ ABI. */
  private val SetLogLevel = "_ZN2cv5utils7logging11setLogLevelENS1_8LogLevelE"
  private val LogLevelSilent = 0

  private lazy val loaded: Unit = {
    // JavaCPP calls System.gc() and then fails every allocation once the process is larger than twice the Java heap, as an
    // executor with a model in native memory always is. The decoder frees its native memory after each image.
    Seq("org.bytedeco.javacpp.maxPhysicalBytes", "org.bytedeco.javacpp.maxBytes")
      .filter(System.getProperty(_) == null)
      .foreach(System.setProperty(_, "0"))
    try {
      Seq(classOf[opencv_core], classOf[opencv_imgcodecs]).foreach(preset => Loader.load(preset))
      // Spark runs one task on each core, with which threads of OpenCV would compete.
      opencv_core.setNumThreads(1)
      silence()
    } catch {
      case failure: LinkageError =>
        throw new ProviderException(
          s"the image decoder's native library (OpenCV, linux-x86_64) cannot be loaded: ${failure.getMessage}; put " +
            "org.bytedeco:opencv, openblas and javacpp with this platform's classifier on the classpath",
          failure
        )
    }
  }

  /** Loads the library unless it is loaded already.
    *
    * @throws ProviderException
    *   when it cannot be loaded on this machine
    */
  def load(): Unit = loaded

  /** Stops OpenCV from writing a line to stderr for every damaged image; the exception states the reason. The bindings lack
    * `setLogLevel`, and a JVM cannot set the environment variable of the log level.
    */
  private def silence(): Unit = NativeFunction.call(SetLogLevel, LogLevelSilent)
}

/** Calls a C function with one int argument that the bindings lack, by its symbol in the loaded libraries.
  *
  * The function is called through a bound function type whose first argument is an int as well; by the calling conventions
  * of x86-64 and AArch64 a function ignores further arguments. A function pointer of JavaCPP is a pair in native memory: the
  * address, and a Java object that is null for native functions.
  */
private[sparkvision] object NativeFunction {

  /** Calls the function, or does nothing when no library has it. The libraries of OpenCV must be loaded. */
  def call(symbol: String, argument: Int): Unit =
    Option(Loader.addressof(symbol)).foreach { address =>
      val scope = new PointerScope()
      try {
        val function = new PointerPointer[Pointer](2L).put(0L, address).put(1L, NoPointer)
        val _ = new ErrorCallback(function).call(argument, NoText, NoText, NoText, 0, NoPointer)
      } finally scope.close()
    }

  private val NoPointer: Pointer = null
  private val NoText: BytePointer = null
}
