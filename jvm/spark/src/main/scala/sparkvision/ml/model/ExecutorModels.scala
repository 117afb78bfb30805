package sparkvision.ml.model

import java.io.IOException
import java.nio.file.{Files, Path, StandardOpenOption}

import scala.collection.mutable
import scala.util.Using

import org.apache.hadoop.fs.FileUtil
import org.apache.spark.sparkvision.LocalDirectories

import sparkvision.engine.bundle.{BundleException, ModelBundle}

/** An executor's copies of models: each in a folder of its own, handed out when it was checked against its hash.
  *
  * @param localDirectories
  *   where copies may lie; the first that takes a copy has it
  */
final private[ml] class ExecutorModels(localDirectories: => Seq[Path]) {
  import DistributedModel._
  import ExecutorModels._

  private val copies = mutable.Map[String, ModelBundle]()

  /** The executor's copy of `model`, made at the first call.
    *
    * @throws BundleException
    *   when no local directory has room for it, or it is not the model that the driver sent
    */
  def open(model: DistributedModel): ModelBundle = synchronized {
    copies.getOrElseUpdate(
      model.key,
      model match {
        case OnThisMachine(_, folder) => ModelBundle.open(Path.of(folder))
        case transferred: Transferred => copy(transferred)
      }
    )
  }

  /** Forgets the copy if it is damaged, so that the next task makes a new one. A whole one stays: others may be using it. */
  def discardIfDamaged(model: DistributedModel): Unit = synchronized {
    copies.get(model.key).filter(isDamaged).foreach { bundle =>
      copies.remove(model.key)
      // In local mode the folder is the driver's own.
      if (model.isInstanceOf[Transferred]) { val _ = FileUtil.fullyDelete(bundle.folder.toFile) }
    }
  }

  private def isDamaged(bundle: ModelBundle): Boolean =
    try {
      bundle.requireUndamaged()
      false
    } catch { case _: BundleException => true }

  private def copy(model: Transferred): ModelBundle = {
    // Lazy: a directory is tried when all before it have failed.
    val attempts = localDirectories.to(LazyList).map { directory =>
      try Right(copyInto(directory, model))
      catch { case e: DiskException => Left(s"$directory: ${e.getCause}") }
    }
    attempts.collectFirst { case Right(bundle) => bundle }.getOrElse {
      throw new BundleException(
        s"This executor has no place for its copy of the model, ${(model.size >> 20) + 1} MB. Its local directories refuse " +
          s"it (${attempts.collect { case Left(refusal) => refusal }.mkString("; ")}). Make room there, or name other " +
          "disks in spark.local.dir (SPARK_LOCAL_DIRS on the workers of a standalone cluster)."
      )
    }
  }

  private def copyInto(directory: Path, model: Transferred): ModelBundle = {
    val folder = onDisk(Files.createTempDirectory(directory, s"sparkvision-model-${model.bundleHash.take(12)}-"))
    try {
      model.fileNames.foreach(name => write(model, name, folder.resolve(name)))
      val bundle = ModelBundle.open(folder)
      if (bundle.bundleHash != model.bundleHash)
        throw new BundleException(
          s"The model that this executor was sent has the hash ${bundle.bundleHash}, not ${model.bundleHash}: it was " +
            "changed while the job ran. Load it anew with loadSavedModel."
        )
      bundle
    } catch {
      case e: Throwable =>
        FileUtil.fullyDelete(folder.toFile)
        throw e
    }
  }

  private def write(model: Transferred, name: String, target: Path): Unit = {
    onDisk(Files.createDirectories(target.getParent))
    Using.resource(onDisk(Files.newOutputStream(target, StandardOpenOption.CREATE_NEW))) { out =>
      model.read(name)((bytes, length) => onDisk(out.write(bytes, 0, length)))
    }
  }
}

private[ml] object ExecutorModels {

  /** This executor's own. */
  lazy val shared = new ExecutorModels(LocalDirectories.all)

  /** A local directory failed: full, read-only, broken. Where the model comes from is not at fault, so another directory may
    * do.
    */
  final private class DiskException(cause: IOException) extends RuntimeException(cause)

  private def onDisk[A](work: => A): A =
    try work
    catch { case e: IOException => throw new DiskException(e) }
}
