package sparkvision.ml.model

import java.io.IOException
import java.nio.file.{Files, Path, StandardOpenOption}

import scala.concurrent.duration._
import scala.util.Using

import org.apache.hadoop.fs.FileUtil
import org.apache.spark.sparkvision.LocalDirectories

import sparkvision.engine.bundle.{BundleException, ModelBundle}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.engine.session.KeyedCache.Lease

/** An executor's copies of models, each in its own folder. A copy is verified against its hash before the first task uses
  * it, and deleted when no task has used it for [[ExecutorModels.Idle]].
  *
  * @param localDirectories
  *   the directories for copies; the first one that accepts a copy is used
  */
final private[ml] class ExecutorModels(localDirectories: => Seq[Path], runtime: ExecutorRuntime) extends AutoCloseable {
  import DistributedModel._
  import ExecutorModels._

  private val copies = runtime.newCache[String, Copy](_.delete())

  /** This executor's copy of `model`, which the first call makes.
    *
    * @return
    *   a lease, which the caller closes: the copy is not deleted before that
    * @throws BundleException
    *   when no local directory has room for the copy, or it is not the model that the driver sent
    */
  def acquire(model: DistributedModel): Lease[Copy] = copies.acquire(model.key, Idle) {
    model match {
      case OnThisMachine(_, folder) => Copy(ModelBundle.open(Path.of(folder), runtime.fileDigests), isOwn = false)
      case transferred: Transferred => Copy(copy(transferred), isOwn = true)
    }
  }

  /** Drops the copy if it is damaged, so that the next task makes a new one. An intact copy stays, because other tasks may be
    * using it. A damaged one is deleted when the last task gives it back.
    */
  def discardIfDamaged(model: DistributedModel): Unit = copies.discard(model.key)(_.isDamaged)

  override def close(): Unit = copies.close()

  private def copy(model: Transferred): ModelBundle = {
    // Lazy: a directory is tried only when all directories before it have failed.
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
      val bundle = ModelBundle.open(folder, runtime.fileDigests)
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

  /** How long a copy that no task uses is kept. */
  val Idle: FiniteDuration = 1.hour

  /** The copies of this process's runtime. */
  def of(runtime: ExecutorRuntime): ExecutorModels =
    runtime.part(classOf[ExecutorModels])(new ExecutorModels(LocalDirectories.all, runtime))

  /** @param isOwn
    *   whether the folder belongs to this copy; in local mode it is the driver's
    */
  final private[ml] case class Copy(bundle: ModelBundle, isOwn: Boolean) {

    def isDamaged: Boolean =
      try {
        bundle.requireUndamaged()
        false
      } catch { case _: BundleException => true }

    private[ExecutorModels] def delete(): Unit = if (isOwn) { val _ = FileUtil.fullyDelete(bundle.folder.toFile) }
  }

  /** A local directory failed: it is full, read-only or broken. The source of the model is not at fault, so another directory
    * may succeed.
    */
  final private class DiskException(cause: IOException) extends RuntimeException(cause)

  private def onDisk[A](work: => A): A =
    try work
    catch { case e: IOException => throw new DiskException(e) }
}
