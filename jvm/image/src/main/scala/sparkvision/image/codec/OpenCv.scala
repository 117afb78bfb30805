package sparkvision.image.codec

import org.bytedeco.javacpp.Loader
import org.bytedeco.opencv.global.{opencv_core, opencv_imgcodecs}

import sparkvision.image.ProviderException

/** OpenCV's native library, loaded and set up once a JVM. JavaCPP keeps the unpacked files in its cache, so they are
  * unpacked once a machine.
  */
private[sparkvision] object OpenCv {

  /** `cv::utils::logging::setLogLevel(LogLevel)`, as the Itanium C++ ABI spells it. */
  private val SetLogLevel = "_ZN2cv5utils7logging11setLogLevelENS1_8LogLevelE"
  private val LogLevelSilent = 0

  private lazy val loaded: Unit = {
    // JavaCPP runs System.gc() and then fails every allocation once the process is larger than twice the Java heap. An
    // executor that holds a model in native memory always is. What we allocate here we also free, at once.
    Seq("org.bytedeco.javacpp.maxPhysicalBytes", "org.bytedeco.javacpp.maxBytes")
      .filter(System.getProperty(_) == null)
      .foreach(System.setProperty(_, "0"))
    try {
      Seq(classOf[opencv_core], classOf[opencv_imgcodecs]).foreach(preset => Loader.load(preset))
      // Spark runs a task a core: a second thread pool inside a task would only compete with the others.
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

  /** Loads the natives unless they are; cheap afterwards.
    *
    * @throws ProviderException
    *   when they cannot be loaded on this machine
    */
  def load(): Unit = loaded

  /** Keeps OpenCV from writing a line to stderr for every broken image: the reason goes into our exception. The bindings do
    * not have setLogLevel, and its environment variable cannot be set from inside the JVM.
    */
  private def silence(): Unit = NativeFunction.call(SetLogLevel, LogLevelSilent)
}
