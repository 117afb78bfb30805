package sparkvision.engine.runtime

import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession.SessionOptions

import sparkvision.image.codec.NativeFunction
import sparkvision.image.{NamedValue, NamedValues, ProviderException}

/** Intel's oneDNN as an execution provider.
  *
  * oneDNN has one floating-point mode for the whole process, in native memory. This object mirrors the mode, because a second
  * instance of it would be wrong.
  */
private[engine] object OneDnn {
  private val Functions = "org.bytedeco.dnnl.global.dnnl"
  // dnnl_fpmath_mode_t in oneDNN 3.11's dnnl_common_types.h.
  private val fpMathModes = Map[OneDnnFpMath, Int](OneDnnFpMath.Strict -> 0, OneDnnFpMath.Bf16 -> 1)

  private var fpMath = Option.empty[OneDnnFpMath]

  /** @throws ProviderException
    *   when this runtime has no oneDNN, or this process already uses it in another mode
    */
  def add(options: SessionOptions, mode: OneDnnFpMath): Unit = {
    if (!JavaCppRuntime.isPresent)
      throw new ProviderException(
        "executionProvider=onednn was requested, but this ONNX Runtime has no oneDNN. Use the runtime that has it " +
          "(sparkvision.start(onednn=True), or the artifact sparkvision-onednn_2.13), or executionProvider=cpu."
      )
    setFpMath(mode)
    JavaCppRuntime.append(options, "OrtSessionOptionsAppendExecutionProvider_Dnnl", UseArena)
  }

  /** Sets the mode of the process, which each primitive adopts at its first run. */
  private def setFpMath(mode: OneDnnFpMath): Unit = synchronized {
    fpMath.filter(_ != mode).foreach { other =>
      throw new ProviderException(
        s"onednnFpMath=$mode cannot be used: this process has run a model with onednnFpMath=$other, and oneDNN has one mode " +
          "for all. Set the same mode on every stage; to change it, restart Spark."
      )
    }
    if (fpMath.isEmpty) {
      JavaCppRuntime.call(Functions, "dnnl_set_default_fpmath_mode", Integer.TYPE -> Int.box(fpMathModes(mode)))
      fpMath = Some(mode)
    }
  }

  /** Sets the number of threads for the runs of the calling thread. These are threads of OpenMP, which the options of ONNX
    * Runtime do not control; by default each run would use all cores of the machine.
    */
  def setThreads(threads: Int): Unit = NativeFunction.call("omp_set_num_threads", threads)

  /** The error that reports a graph that oneDNN cannot run. */
  def cannotRun(e: OrtException): ProviderException = new ProviderException(
    s"executionProvider=onednn cannot run this model: ${e.getMessage} $Remedy",
    e
  )

  /** What to do about a model that fails or computes wrong numbers. */
  val Remedy: String =
    "oneDNN runs ViTs with opset 14, which `sparkvision export` uses by default, but not with opset 17. Export " +
      "the model with --opset 14, or use executionProvider=cpu."

  private val UseArena = 1
}

/** The arithmetic with which oneDNN may multiply float32 matrices.
  *
  * @param relativeTolerance
  *   largest difference from the golden output that the arithmetic may cause, relative to the largest value of that output
  */
sealed abstract class OneDnnFpMath(val name: String, val relativeTolerance: Double) extends NamedValue

object OneDnnFpMath extends NamedValues[OneDnnFpMath]("onednnFpMath") {

  /** float32, the precision of the model. */
  case object Strict extends OneDnnFpMath("strict", relativeTolerance = 0)

  /** Inputs are rounded to bfloat16 (8 bits of mantissa) and sums are float32 if the CPU has AMX; on other CPUs oneDNN uses
    * float32. Measured differences are smaller than the tolerance.
    */
  case object Bf16 extends OneDnnFpMath("bf16", relativeTolerance = 0.05)

  override val all: Seq[OneDnnFpMath] = Seq(Strict, Bf16)
}
