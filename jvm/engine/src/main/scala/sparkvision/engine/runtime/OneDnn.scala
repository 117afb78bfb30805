package sparkvision.engine.runtime

import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession.SessionOptions
import sparkvision.image.ProviderException
import sparkvision.image.codec.NativeFunction
import sparkvision.image.{NamedValue, NamedValues}

/** Intel's oneDNN as an execution provider. */
private[engine] object OneDnn {
  private val Functions = "org.bytedeco.dnnl.global.dnnl"
  // dnnl_fpmath_mode_t in oneDNN 3.11's dnnl_common_types.h.
  private val fpMathModes = Map[OneDnnFpMath, Int](OneDnnFpMath.Strict -> 0, OneDnnFpMath.Bf16 -> 1)

  private var fpMath = Option.empty[OneDnnFpMath]

  /** @throws ProviderException
    *   when this runtime has no oneDNN, or this process computes with it in another mode already
    */
  def add(options: SessionOptions, mode: OneDnnFpMath): Unit = {
    if (!JavaCppRuntime.isPresent)
      throw new ProviderException(
        "executionProvider=onednn was asked for, but this ONNX Runtime has no oneDNN. Use the runtime that has it " +
          "(sparkvision.start(onednn=True), or the artifact sparkvision-onednn_2.13), or executionProvider=cpu."
      )
    setFpMath(mode)
    JavaCppRuntime.append(options, "OrtSessionOptionsAppendExecutionProvider_Dnnl", UseArena)
  }

  /** oneDNN has one mode for the process, which each primitive takes when it is first run. */
  private def setFpMath(mode: OneDnnFpMath): Unit = synchronized {
    fpMath.filter(_ != mode).foreach { other =>
      throw new ProviderException(
        s"onednnFpMath=$mode cannot be used: this process has run a model with onednnFpMath=$other, and oneDNN has one mode " +
          "for all. Set the same on every stage; to change it, start Spark anew."
      )
    }
    if (fpMath.isEmpty) {
      JavaCppRuntime.call(Functions, "dnnl_set_default_fpmath_mode", Integer.TYPE -> Int.box(fpMathModes(mode)))
      fpMath = Some(mode)
    }
  }

  /** Lets the runs of this thread use so many threads. Those are OpenMP's, of which ONNX Runtime's options know nothing; by
    * default each run would use all of the machine's cores.
    */
  def setThreads(threads: Int): Unit = NativeFunction.call("omp_set_num_threads", threads)

  /** What a graph that oneDNN cannot run is to the user. */
  def cannotRun(e: OrtException): ProviderException = new ProviderException(
    s"executionProvider=onednn cannot run this model: ${e.getMessage} $Remedy",
    e
  )

  /** For a model that fails or comes out wrong. */
  val Remedy: String =
    "oneDNN runs ViTs of opset 14, as `sparkvision export` makes them by default, and none of opset 17. Export " +
      "the model with --opset 14, or use executionProvider=cpu."

  private val UseArena = 1
}

/** In which arithmetic oneDNN may multiply matrices of float32.
  *
  * @param relativeTolerance
  *   largest difference from the golden output that it may cause, as a share of that output's largest value
  */
sealed abstract class OneDnnFpMath(val name: String, val relativeTolerance: Double) extends NamedValue

object OneDnnFpMath extends NamedValues[OneDnnFpMath]("onednnFpMath") {

  /** float32, the model's own. */
  case object Strict extends OneDnnFpMath("strict", relativeTolerance = 0)

  /** Inputs rounded to bfloat16 (8 bits of mantissa), sums in float32, where the CPU has AMX; elsewhere oneDNN stays with
    * float32. The tolerance is a margin over what `scripts/bench/rounded_inputs` prints.
    */
  case object Bf16 extends OneDnnFpMath("bf16", relativeTolerance = 0.05)

  override val all: Seq[OneDnnFpMath] = Seq(Strict, Bf16)
}
