package sparkvision.engine.runtime

import java.nio.file.{Files, Path}

import scala.jdk.CollectionConverters._
import scala.util.Using

/** The NVIDIA GPUs that this process may use, as far as they can be counted without a driver. */
private[sparkvision] object VisibleGpus {

  /** None where this runtime has no CUDA: its tasks then share one session, and not one for each GPU's number. */
  lazy val count: Int = if (OnnxRuntime.hasCuda) count(sys.env.get("CUDA_VISIBLE_DEVICES"), Path.of("/dev")) else 0

  /** @param visible
    *   the value of CUDA_VISIBLE_DEVICES, from which CUDA numbers the devices anew; an entry of -1 hides those after it
    * @param devices
    *   the folder in which the driver has a file `nvidia0`, `nvidia1`, ... for each GPU; a container has its own
    */
  private[engine] def count(visible: Option[String], devices: Path): Int = visible match {
    case Some(list) => list.split(",").map(_.trim).takeWhile(id => id.nonEmpty && id != "-1").length
    case None if Files.isDirectory(devices) =>
      Using.resource(Files.list(devices))(_.iterator.asScala.count(_.getFileName.toString.matches("nvidia\\d+")))
    case None => 0
  }
}
