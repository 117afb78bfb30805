/** What image decoding needs of JavaCPP's OpenCV: the presets core, imgproc and imgcodecs, and what they load in turn.
  *
  * Found by trying: the natives are those that `objdump -p` names as NEEDED, and OpenBLAS's two classes with their JNI
  * libraries must stay because JavaCPP's `Loader` initialises every preset that opencv_core inherits from.
  */
final class DecoderEntries(platform: WheelPlatform) {
  import platform.{javacpp => natives, library}

  private val modules = "opencv_(core|imgproc|imgcodecs)"

  private val wanted = Seq(
    """org/bytedeco/javacpp/((annotation|chrono|global|indexer|presets)/)?[^/]+\.class""",
    """org/bytedeco/javacpp/tools/(Logger|Slf4jLogger|InfoMapper|BuildEnabled)\.class""",
    s"""org/bytedeco/javacpp/properties/(generic|$natives)\\.properties""",
    s"""org/bytedeco/javacpp/$natives/libjnijavacpp$library""",
    """org/bytedeco/openblas/(global|presets)/openblas(_nolapack)?(\$.*)?\.class""",
    s"""org/bytedeco/openblas/$natives/lib(openblas|gfortran|quadmath|gcc_s)$library""",
    s"""org/bytedeco/openblas/$natives/libjniopenblas(_nolapack)?$library""",
    s"""org/bytedeco/opencv/(global|helper|presets)/$modules(\\$$.*)?\\.class""",
    s"""org/bytedeco/opencv/$modules/.+\\.class""",
    s"""org/bytedeco/opencv/$natives/lib(jni)?$modules$library""",
    s"""org/bytedeco/opencv/$natives/share/licenses/.+""",
    """META-INF/maven/org\.bytedeco/.+""",
    """META-INF/licenses/.+"""
  ).map(_.r.pattern)

  def keep(name: String): Boolean = wanted.exists(_.matcher(name).matches)
}
