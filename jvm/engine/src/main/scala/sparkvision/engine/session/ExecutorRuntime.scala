package sparkvision.engine.session

import java.nio.file.{Files, Path}

import scala.collection.mutable
import scala.util.Using

import org.slf4j.LoggerFactory

import sparkvision.engine.bundle.{BundleManifest, EmbeddedModels, FileDigests, ModelBundle}
import sparkvision.engine.runtime.{DaemonThread, NativeRuns}

/** The state that the models of one JVM share: open sessions, cores, caches, and the gate into ONNX Runtime.
  *
  * [[ExecutorRuntime.ofThisProcess]] is the only global of SparkVision. Everything that needs a part of it receives the part,
  * or the runtime, through its constructor. Tests create a runtime of their own and close it.
  *
  * What a process has only once, even if it had two runtimes, is held by the object that loads or sets it:
  *
  *   - `OpenCv` and `TokenizersNative`: native libraries, which a class loader can load only once.
  *   - `OnnxRuntime`: the native environment and the properties of the one ONNX Runtime on the classpath.
  *   - `VisibleGpus`: the number of GPUs, which the environment of the process determines.
  *   - `OneDnn`: the floating-point mode, a setting of the native library for the whole process.
  *   - `DecodeBuffer` in `sparkvision.image.codec`: native memory that each thread reuses for its next image. It belongs to
  *     the thread, is bounded, and is in a module that does not know this class.
  */
final class ExecutorRuntime extends AutoCloseable {
  import ExecutorRuntime._

  private val expiry = new KeyedCache.Expiry.Timer
  private val embeddedModels = new KeyedCache[String, Path](deleteRecursively)
  private val parts = mutable.LinkedHashMap[Class[_], AnyRef]()

  private[sparkvision] val fileDigests = new FileDigests
  private[engine] val nativeRuns = new NativeRuns
  private[sparkvision] val spareCores = new SpareCores
  private[sparkvision] val sessions = new SessionCache(nativeRuns, expiry)

  /** A cache whose unused values expire by the timer of this runtime; the parameters are those of [[KeyedCache]]. */
  private[sparkvision] def newCache[K, V](
      closeValue: V => Unit = (_: V) => (),
      weigh: V => Long = (_: V) => 1L,
      limit: Long = Long.MaxValue
  ): KeyedCache[K, V] = new KeyedCache[K, V](closeValue, weigh, limit, expiry)

  /** The part of this runtime that a later package or module adds, created at the first call.
    *
    * {{{
    * runtime.part(classOf[LabelEmbeddings])(new LabelEmbeddings(runtime))
    * }}}
    *
    * @param create
    *   must be quick: what takes time belongs into a [[KeyedCache]] of the part
    */
  private[sparkvision] def part[P <: AnyRef](kind: Class[P])(create: => P): P = parts.synchronized {
    kind.cast(parts.getOrElseUpdate(kind, create))
  }

  /** The model bundle at `uri`, checked.
    *
    * @param uri
    *   a bundle's folder, or `embedded:NAME`
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the bundle is damaged, unsafe or contradicts itself, or the jar has no such model
    */
  def openBundle(uri: String): ModelBundle =
    ModelBundle.open(if (EmbeddedModels.isEmbedded(uri)) unpacked(uri) else Path.of(uri), fileDigests)

  /** The folder of an embedded model, which is unpacked at the first call and deleted when the JVM ends.
    *
    * @throws BundleException
    *   when the jar has no such model
    */
  private[engine] def unpacked(uri: String): Path = {
    // A machine that cleans its temporary folders may have deleted it.
    embeddedModels.discard(uri)(folder => !Files.exists(folder.resolve(BundleManifest.FileName)))
    embeddedModels.get(uri) {
      val folder = Files.createTempDirectory("sparkvision-model-")
      try EmbeddedModels.copyTo(uri, folder)
      catch {
        case e: Throwable =>
          deleteRecursively(folder)
          throw e
      }
      folder
    }
  }

  /** Closes everything: parts, sessions, threads and temporary files. Models that are still in use fail. */
  override def close(): Unit = {
    parts.synchronized(parts.values.toSeq.reverse).foreach {
      case part: AutoCloseable => part.close()
      case _ => ()
    }
    sessions.close()
    expiry.close()
    shutDown()
  }

  /** What the end of the JVM requires. It does not close sessions: the operating system releases their memory, and a session
    * that a thread still runs cannot be closed.
    */
  private def shutDown(): Unit = {
    if (!nativeRuns.close())
      log.warn(s"A call into ONNX Runtime did not end within ${NativeRuns.Deadline} of the JVM's shutdown.")
    embeddedModels.close()
  }
}

object ExecutorRuntime {
  private val log = LoggerFactory.getLogger(classOf[ExecutorRuntime])

  /** The runtime of this JVM, which all models use unless they are given another one. */
  lazy val ofThisProcess: ExecutorRuntime = {
    val runtime = new ExecutorRuntime
    try Runtime.getRuntime.addShutdownHook(DaemonThread("sparkvision-shutdown")(() => runtime.shutDown()))
    catch { case _: IllegalStateException => runtime.shutDown() } // the JVM is shutting down already
    runtime
  }

  private def deleteRecursively(folder: Path): Unit = if (Files.exists(folder))
    Using.resource(Files.walk(folder)) { files =>
      files.sorted(java.util.Comparator.reverseOrder[Path]).forEach(file => Files.delete(file))
    }
}
