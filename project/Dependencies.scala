import sbt.*

/** Every dependency and its version, once. Why these: see "Dependencies" in CONTRIBUTING.md. */
object Dependencies {
  val linux = "linux-x86_64"

  /** Spark's minimum: Param's constructor in 4.0.0 is not binary compatible with later versions. */
  private val spark = "4.0.1"
  val sparkMllib: ModuleID = "org.apache.spark" %% "spark-mllib" % spark
  val sparkSql: ModuleID = "org.apache.spark" %% "spark-sql" % spark

  /** Spark 4.0.1's own versions, so that neither side is replaced on a Spark classpath. */
  val jackson: ModuleID = "com.fasterxml.jackson.core" % "jackson-databind" % "2.18.2"
  val slf4j: ModuleID = "org.slf4j" % "slf4j-api" % "2.0.16"

  /** Graphs of neighbours for similarity search. 9.12 is the last line that runs on Java 17: 10 needs 21. */
  val lucene: ModuleID = "org.apache.lucene" % "lucene-core" % "9.12.2"

  /** A real HDFS in one JVM, of Spark 4.0.1's own Hadoop version; a single shaded jar. */
  val hdfsMiniCluster: ModuleID = "org.apache.hadoop" % "hadoop-client-minicluster" % "3.4.1"
  val scalatest: ModuleID = "org.scalatest" %% "scalatest" % "3.2.19"

  /** Not 1.29.0: its telemetry matches the process's command line against a regular expression and overflows the stack of a
    * JVM whose command line is longer than about 4,000 characters, as every Spark executor's is (onnxruntime issue 32173).
    */
  private val onnxRuntimeVersion = "1.28.0"
  val onnxRuntime: ModuleID = "com.microsoft.onnxruntime" % "onnxruntime" % onnxRuntimeVersion
  val onnxRuntimeGpu: ModuleID = "com.microsoft.onnxruntime" % "onnxruntime_gpu" % onnxRuntimeVersion

  /** The JavaCPP presets: OpenCV and what it needs, as Java classes and as Linux natives. They must share one version. */
  private val javacppVersion = "1.5.13"
  private val opencv = "org.bytedeco" % "opencv" % s"4.13.0-$javacppVersion"
  private val openblas = "org.bytedeco" % "openblas" % s"0.3.31-$javacppVersion"
  private val javacpp = "org.bytedeco" % "javacpp" % javacppVersion
  val imageDecoder: Seq[ModuleID] = imageDecoderFor(linux)

  /** The decoder with the natives of the platform that JavaCPP calls so. */
  def imageDecoderFor(platform: String): Seq[ModuleID] =
    Seq(opencv, openblas, javacpp).flatMap(withNatives(_, platform))

  /** Hugging Face's own tokenizers, for texts: their JNI class, and natives of all platforms. Of the Java API beside it only
    * the exception that the natives throw is needed, so nothing else comes along.
    */
  private val djl = "0.36.0"
  val tokenizers: ModuleID = ("ai.djl.huggingface" % "tokenizers" % djl).exclude("*", "*")
  val tokenizersException: ModuleID = ("ai.djl" % "api" % djl).exclude("*", "*")

  /** Microsoft's jars have no oneDNN provider; this preset has one under the same `ai.onnxruntime` API. */
  val onnxRuntimeOneDnn: Seq[ModuleID] = Seq(
    "org.bytedeco" % "onnxruntime" % s"1.24.1-$javacppVersion",
    "org.bytedeco" % "dnnl" % s"3.11-$javacppVersion",
    "org.bytedeco" % "opencl" % s"3.0-$javacppVersion",
    javacpp
  ).flatMap(withNatives(_, linux))

  private def withNatives(preset: ModuleID, platform: String): Seq[ModuleID] = Seq(preset, preset.classifier(platform))
}
