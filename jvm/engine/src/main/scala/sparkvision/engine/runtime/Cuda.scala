package sparkvision.engine.runtime

import java.nio.file.{Files, Path}

import scala.jdk.CollectionConverters._
import scala.util.Using

import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession.SessionOptions
import ai.onnxruntime.providers.OrtCUDAProviderOptions

import sparkvision.image.ProviderException

/** An NVIDIA GPU as an execution provider. */
private[engine] object Cuda {

  /** Largest difference from the golden output that TF32 may cause, relative to the largest value of that output. Measured
    * differences are smaller.
    */
  val Tf32Tolerance = 0.01

  /** @throws ProviderException
    *   when this runtime has no CUDA, or a library that it needs is missing
    */
  def add(options: SessionOptions, config: SessionConfig): Unit = {
    if (!OnnxRuntime.hasCuda)
      throw new ProviderException(
        s"executionProvider=cuda was requested, but this ONNX Runtime has only ${OnnxRuntime.providers.mkString(", ")}. " +
          "Use the GPU runtime (sparkvision.start(gpu=True), or the artifact sparkvision-gpu_2.13), or executionProvider=cpu."
      )
    if (JavaCppRuntime.isPresent) addByDevice(options, config)
    else
      try {
        val cuda = new OrtCUDAProviderOptions(config.deviceId)
        try {
          settings(config).foreach { case (name, value) => cuda.add(name, value) }
          options.addCUDA(cuda)
        } finally cuda.close()
      } catch { case e: OrtException => throw unusable(e) }
  }

  /** The options of the provider, named as in ONNX Runtime's OrtCUDAProviderOptionsV2. */
  def settings(config: SessionConfig): Map[String, String] = Map(
    // By default ONNX Runtime uses TF32, with which logits differ from those of Hugging Face in the third digit.
    "use_tf32" -> (if (config.cudaTf32) "1" else "0")
  ) ++ config.gpuMemLimit
    .map(bytes =>
      // By default the arena doubles its size, and would reach the limit with half of it unused.
      Map("gpu_mem_limit" -> bytes.toString, "arena_extend_strategy" -> "kSameAsRequested")
    )
    .getOrElse(Map.empty)

  /** The runtime for CUDA 13 has only one option, the device. It uses TF32 unless NVIDIA's environment variable disables it. */
  private def addByDevice(options: SessionOptions, config: SessionConfig): Unit = {
    if (config.gpuMemLimit.nonEmpty)
      throw new ProviderException(
        "gpuMemLimit cannot be set on the runtime for CUDA 13. Leave it unset, or use the runtime for CUDA 12."
      )
    if (!config.cudaTf32 && !sys.env.get("NVIDIA_TF32_OVERRIDE").contains("0"))
      throw new ProviderException(
        "The runtime for CUDA 13 would compute in TF32, which is no longer exact. Set NVIDIA_TF32_OVERRIDE=0 in the " +
          "environment of the executors (and of the driver), as sparkvision.start(gpu=\"cuda13\") does, or cudaTf32=true."
      )
    try JavaCppRuntime.append(options, "OrtSessionOptionsAppendExecutionProvider_CUDA", config.deviceId)
    catch { case e: ProviderException => throw unusable(e) }
  }

  /** The error that reports a failure of CUDA's libraries, driver or memory. */
  def unusable(e: Exception): ProviderException = {
    val needs = if (JavaCppRuntime.isPresent) "CUDA 13" else "CUDA 12"
    new ProviderException(
      s"executionProvider=cuda cannot be used here: ${e.getMessage} Install the named library (this ONNX Runtime needs " +
        s"$needs and cuDNN 9, and a driver for them; they are also available from pip, see docs/gpu.md), or use executionProvider=cpu.",
      e
    )
  }
}

/** The number of NVIDIA GPUs that this process may use, as far as it can be determined without a driver. A process cannot
  * change it, so it is not part of `ExecutorRuntime`.
  */
private[sparkvision] object VisibleGpus {

  /** 0 if this runtime has no CUDA: the tasks then share one session, instead of one for each GPU. */
  lazy val count: Int = if (OnnxRuntime.hasCuda) count(sys.env.get("CUDA_VISIBLE_DEVICES"), Path.of("/dev")) else 0

  /** @param visible
    *   the value of CUDA_VISIBLE_DEVICES, in whose order CUDA renumbers the devices; an entry of -1 hides those after it
    * @param devices
    *   the folder in which the driver has a file `nvidia0`, `nvidia1`, ... for each GPU; a container has its own folder
    */
  private[engine] def count(visible: Option[String], devices: Path): Int = visible match {
    case Some(list) => list.split(",").map(_.trim).takeWhile(id => id.nonEmpty && id != "-1").length
    case None if Files.isDirectory(devices) =>
      Using.resource(Files.list(devices))(_.iterator.asScala.count(_.getFileName.toString.matches("nvidia\\d+")))
    case None => 0
  }
}
