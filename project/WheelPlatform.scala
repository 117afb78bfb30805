/** A platform that the Python wheel is built for, and what the upstream jars call it.
  *
  * @param name
  *   ours: in the names of the jars, and on scripts/build_wheels' command line
  * @param javacpp
  *   JavaCPP's classifier, and its folder of natives
  * @param onnxRuntime
  *   the folder of natives in ONNX Runtime's jar, which holds every platform's
  * @param tokenizers
  *   the folder of natives in the tokenizers' jar, which holds every platform's
  * @param library
  *   the end of a shared library's name, as a regular expression; with the version that others load it by
  */
final case class WheelPlatform(name: String, javacpp: String, onnxRuntime: String, tokenizers: String, library: String)

object WheelPlatform {
  private val so = """\.so(\.\d+)?"""
  private val dylib = """(\.\d+)*\.dylib"""

  val Default: WheelPlatform = WheelPlatform("linux-x86_64", "linux-x86_64", "linux-x64", "linux-x86_64", so)

  val all: Seq[WheelPlatform] = Seq(
    Default,
    WheelPlatform("linux-aarch64", "linux-arm64", "linux-aarch64", "linux-aarch64", so),
    WheelPlatform("macos-arm64", "macosx-arm64", "osx-aarch64", "osx-aarch64", dylib)
  )

  def named(name: String): WheelPlatform = all.find(_.name == name).getOrElse {
    sys.error(s"There is no wheel for $name: choose one of ${all.map(_.name).mkString(", ")}.")
  }
}
