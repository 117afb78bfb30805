package sparkvision.ml.model

import java.io.IOException

import scala.util.Using

import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.bundle.BundleException

/** How tasks obtain a model. This object is small, because every task contains it; the model itself is not in the task. */
sealed private[ml] trait DistributedModel extends Serializable {
  def bundleHash: String

  /** The key of an executor's copy. */
  def key: String = bundleHash
}

private[ml] object DistributedModel {

  /** Local mode: driver and tasks are one process, and the tasks use the driver's copy. */
  final case class OnThisMachine(bundleHash: String, folder: String) extends DistributedModel {
    // One process may run several applications after each other, each with its own folder, which is deleted at its end.
    override def key: String = folder
  }

  /** A model that each executor copies for itself. */
  sealed trait Transferred extends DistributedModel {

    /** Bytes of all its files. */
    def size: Long

    def fileNames: Seq[String]

    /** Passes the content of a file to `write` piece by piece, each as a buffer and the number of valid bytes. */
    def read(fileName: String)(write: (Array[Byte], Int) => Unit): Unit
  }

  /** In broadcast chunks, which executors pass on to each other. */
  final case class Broadcasted(bundleHash: String, size: Long, files: Seq[BroadcastFile]) extends Transferred {
    override def fileNames: Seq[String] = files.map(_.name)

    override def read(fileName: String)(write: (Array[Byte], Int) => Unit): Unit =
      files.filter(_.name == fileName).flatMap(_.chunks).foreach(chunk => write(chunk.value, chunk.value.length))
  }

  final case class BroadcastFile(name: String, chunks: Seq[Broadcast[Array[Byte]]])

  /** On a file system that executors read directly, with the Hadoop configuration of the job. */
  final case class Remote(
      bundleHash: String,
      size: Long,
      uri: String,
      fileNames: Seq[String],
      configuration: Broadcast[SerializableConfiguration]
  ) extends Transferred {

    override def read(fileName: String)(write: (Array[Byte], Int) => Unit): Unit = {
      val file = new HadoopPath(uri, fileName)
      val buffer = new Array[Byte](Remote.BufferSize)
      try
        Using.resource(file.getFileSystem(configuration.value.value).open(file)) { in =>
          Iterator.continually(in.read(buffer)).takeWhile(_ >= 0).foreach(write(buffer, _))
        }
      catch {
        case e: IOException =>
          throw new BundleException(
            s"An executor cannot read the model's file $file ($e). Executors need access to the location of the model; a " +
              "model that only the driver can read is sent to them.",
            e
          )
      }
    }
  }

  object Remote {
    private val BufferSize = 1 << 20
  }
}
