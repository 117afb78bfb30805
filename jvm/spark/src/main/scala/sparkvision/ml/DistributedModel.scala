package sparkvision.ml

import java.nio.file.{Files, Path, StandardCopyOption, StandardOpenOption}

import scala.collection.mutable
import scala.util.Using

import org.apache.hadoop.fs.{FileUtil, Path => HadoopPath}
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.sparkvision.LocalDirectories
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.{BundleException, ModelBundle}

/** How tasks come by a model. Small: it travels with every task, the model does not. */
sealed private[ml] trait DistributedModel extends Serializable {
  def bundleHash: String

  /** What an executor keeps its copy by. */
  def key: String = bundleHash
}

private[ml] object DistributedModel {

  /** Local mode: driver and tasks are one process, the driver's copy serves. */
  final case class OnThisMachine(bundleHash: String, folder: String) extends DistributedModel {
    // One process may see several applications after each other, each with a folder of its own that ends with it.
    override def key: String = folder
  }

  /** In chunks, which executors pass on to each other. */
  final case class Broadcasted(bundleHash: String, files: Seq[BroadcastFile]) extends DistributedModel

  final case class BroadcastFile(name: String, chunks: Seq[Broadcast[Array[Byte]]])

  /** On a file system that executors read themselves, with the job's Hadoop configuration. */
  final case class Remote(
      bundleHash: String,
      uri: String,
      fileNames: Seq[String],
      configuration: Broadcast[SerializableConfiguration]
  ) extends DistributedModel
}

/** This executor's copies of models, one folder each in its own local directory, checked against their hash. */
private[ml] object ExecutorModels {
  import DistributedModel._

  private val opened = mutable.Map[String, ModelBundle]()
  private lazy val home = LocalDirectories.create("sparkvision-executor")

  /** The executor's copy of `model`, made at the first call. */
  def open(model: DistributedModel): ModelBundle = synchronized {
    opened.getOrElseUpdate(
      model.key,
      model match {
        case OnThisMachine(_, folder) => ModelBundle.open(Path.of(folder))
        case Broadcasted(_, files) => install(model.bundleHash)(folder => files.foreach(write(folder, _)))
        case Remote(_, uri, names, configuration) =>
          install(model.bundleHash)(folder => names.foreach(read(folder, uri, _, configuration.value)))
      }
    )
  }

  /** Fills a folder beside the final one, checks it, and renames it into place as a whole. */
  private def install(bundleHash: String)(fill: Path => Unit): ModelBundle = {
    val incoming = Files.createTempDirectory(home, "incoming")
    try {
      fill(incoming)
      val bundle = ModelBundle.open(incoming)
      if (bundle.bundleHash != bundleHash)
        throw new BundleException(
          s"The model that this executor was sent has the hash ${bundle.bundleHash}, not $bundleHash: it was changed " +
            "while the job ran. Load it anew with loadSavedModel."
        )
      bundle.movedTo(Files.move(incoming, home.resolve(bundleHash), StandardCopyOption.ATOMIC_MOVE))
    } finally if (Files.exists(incoming)) { val _ = FileUtil.fullyDelete(incoming.toFile) }
  }

  private def write(folder: Path, file: BroadcastFile): Unit = {
    val target = folder.resolve(file.name)
    Files.createDirectories(target.getParent)
    Using.resource(Files.newOutputStream(target, StandardOpenOption.CREATE_NEW)) { out =>
      file.chunks.foreach(chunk => out.write(chunk.value))
    }
  }

  private def read(folder: Path, uri: String, name: String, configuration: SerializableConfiguration): Unit = {
    val source = new HadoopPath(uri, name)
    val target = folder.resolve(name)
    Files.createDirectories(target.getParent)
    source
      .getFileSystem(configuration.value)
      .copyToLocalFile(false, source, new HadoopPath(target.toUri), true)
  }
}
