package sparkvision.engine.session

import java.nio.FloatBuffer
import java.util.concurrent.{Executors, ScheduledExecutorService, TimeUnit}

import scala.collection.mutable
import scala.concurrent.duration._

import org.slf4j.LoggerFactory

import sparkvision.engine.bundle.{ModelBundle, TensorInfo}
import sparkvision.engine.runtime.{Cancellation, InferenceSession, SessionConfig}
import sparkvision.image.preprocess.PaddedBatch

/** Shares sessions: one for each (model, graph, input, output, provider, device, options), however many tasks use it.
  *
  * A session is reference-counted. When nobody uses it any more, it stays open as long as the leases asked (the longest
  * counts), so that the next micro-batch of a stream finds it open.
  */
final class SessionCache {
  import SessionCache._

  private val entries = mutable.Map[Key, Entry]()
  private var opened = 0L

  /** Sessions opened since the cache was made. */
  def openedCount: Long = synchronized(opened)

  /** Sessions open now. */
  def openCount: Int = synchronized(entries.values.count(_.session.isDefined))

  /** A claim on the session of `bundle` under `config`; it opens the session when there is none.
    *
    * @param idle
    *   how long the session stays open, unused, after this claim is given back
    * @param onOpened
    *   called when this claim opened the session
    * @return
    *   the lease, which the caller closes
    */
  def acquire(
      bundle: ModelBundle,
      config: SessionConfig,
      idle: FiniteDuration,
      onOpened: () => Unit = () => ()
  ): Lease = {
    val entry = synchronized {
      val found = entries.getOrElseUpdate(Key(bundle, config), new Entry)
      found.leases += 1
      found
    }
    // Opening takes seconds: it locks this entry only, so that other models' tasks go on.
    try
      entry.synchronized {
        if (entry.session.isEmpty) {
          entry.session = Some(new SharedSession(InferenceSession.open(bundle, config)))
          synchronized(opened += 1)
          onOpened()
        }
        new Lease(entry.session.get, () => release(entry, idle))
      }
    catch {
      case e: Throwable =>
        release(entry, idle)
        throw e
    }
  }

  /** Closes every session that nobody uses. */
  def closeIdle(): Unit = closeUnused(_ => true)

  private def release(entry: Entry, idle: FiniteDuration): Unit = {
    val remaining = synchronized {
      entry.leases -= 1
      // Differences, because System.nanoTime may be anything, and may wrap around.
      val now = System.nanoTime
      if (!entry.wasUsed || now + idle.toNanos - entry.openUntil > 0) entry.openUntil = now + idle.toNanos
      entry.wasUsed = true
      Option.when(entry.leases == 0)(entry.openUntil - now)
    }
    remaining.foreach { nanos =>
      closer.schedule((() => closeUnused(isExpired)): Runnable, nanos, TimeUnit.NANOSECONDS)
    }
  }

  private def closeUnused(mayClose: Entry => Boolean): Unit = {
    val unused = synchronized {
      val found = entries.filter { case (_, entry) => entry.leases == 0 && mayClose(entry) }.toSeq
      found.foreach { case (key, _) => entries.remove(key) }
      found.map(_._2)
    }
    unused.flatMap(_.session).foreach { session =>
      try session.close()
      catch { case e: Exception => log.warn("A session could not be closed", e) }
    }
  }
}

object SessionCache {
  private val log = LoggerFactory.getLogger(classOf[SessionCache])

  /** What makes two sessions the same one: the graph (of two that a CLIP has), what is fed to it and read from it, and how it
    * is run.
    */
  final private case class Key(modelHash: String, graph: String, input: String, output: String, config: SessionConfig)

  private object Key {
    def apply(bundle: ModelBundle, config: SessionConfig): Key = {
      val manifest = bundle.manifest
      Key(manifest.modelHash, manifest.graphFile, manifest.inputs.head.name, manifest.outputs.head.name, config)
    }
  }

  /** All but `session` is guarded by the cache, `session` by the entry. `openUntil` (of System.nanoTime) has a meaning once
    * a lease was given back.
    */
  final private class Entry {
    @volatile var session: Option[SharedSession] = None
    var leases = 0
    var wasUsed = false
    var openUntil = 0L
  }

  private def isExpired(entry: Entry): Boolean = System.nanoTime - entry.openUntil >= 0

  /** A claim on a session, given back by [[close]]. */
  final class Lease private[SessionCache] (shared: SharedSession, giveBack: () => Unit) extends AutoCloseable {
    private var closed = false

    def session: InferenceSession = shared.session

    /** As [[InferenceSession.run]]; the images of several leases may be run at once, `batchSize` of them at most. */
    def run(
        images: FloatBuffer,
        shape: Array[Long],
        output: TensorInfo,
        batchSize: Int,
        cancellation: Cancellation = Cancellation.Never
    ): IndexedSeq[Array[Float]] = shared.run(images, shape, output, batchSize, cancellation)

    /** As [[InferenceSession.detect]]. */
    private[engine] def detect(
        batch: PaddedBatch,
        cancellation: Cancellation
    ): IndexedSeq[(Array[Float], Array[Float])] = shared.detect(batch, cancellation)

    override def close(): Unit = synchronized {
      if (!closed) {
        closed = true
        giveBack()
      }
    }
  }

  private lazy val closer: ScheduledExecutorService = Executors.newSingleThreadScheduledExecutor { task =>
    val thread = new Thread(task, "sparkvision-session-closer")
    thread.setDaemon(true)
    thread
  }

  /** This JVM's own cache, an executor's one global state.
    *
    * No shutdown hook closes its sessions: what the process holds, memory and GPU, the operating system takes back.
    * `NativeRuns` has the hook that ends what they run.
    */
  val shared: SessionCache = new SessionCache
}
