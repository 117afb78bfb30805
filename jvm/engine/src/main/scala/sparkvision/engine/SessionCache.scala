package sparkvision.engine

import java.util.concurrent.{Executors, ScheduledExecutorService, TimeUnit}

import scala.collection.mutable
import scala.concurrent.duration._

import org.slf4j.LoggerFactory

/** Shares sessions: one for each (model, provider, device, options), however many tasks use it.
  *
  * A session is reference-counted. When nobody has used it for `idle`, it is closed; not at once, so that the next
  * micro-batch of a stream finds it open.
  */
final class SessionCache(idle: FiniteDuration) {
  import SessionCache._

  private val entries = mutable.Map[Key, Entry]()
  private var opened = 0L

  /** Sessions opened since the cache was made. */
  def openedCount: Long = synchronized(opened)

  /** Sessions open now. */
  def openCount: Int = synchronized(entries.values.count(_.session.isDefined))

  /** A claim on the session of `bundle` under `config`; it opens the session when there is none.
    *
    * @param onOpened
    *   called when this claim opened the session
    * @return
    *   the lease, which the caller closes
    */
  def acquire(bundle: ModelBundle, config: SessionConfig, onOpened: () => Unit = () => ()): Lease = {
    val entry = synchronized {
      val found = entries.getOrElseUpdate(Key(bundle.manifest.modelHash, config), new Entry)
      found.leases += 1
      found
    }
    // Opening takes seconds: it locks this entry only, so that other models' tasks go on.
    try
      entry.synchronized {
        if (entry.session.isEmpty) {
          entry.session = Some(InferenceSession.open(bundle, config))
          synchronized(opened += 1)
          onOpened()
        }
        new Lease(entry.session.get, () => release(entry))
      }
    catch {
      case e: Throwable =>
        release(entry)
        throw e
    }
  }

  /** Closes every session that nobody uses. */
  def closeIdle(): Unit = closeUnused(olderThan = Duration.Zero)

  private def release(entry: Entry): Unit = {
    val unused = synchronized {
      entry.leases -= 1
      entry.unusedSince = System.nanoTime
      entry.leases == 0
    }
    if (unused) {
      closer.schedule((() => closeUnused(idle)): Runnable, idle.toMillis + 1, TimeUnit.MILLISECONDS)
      ()
    }
  }

  private def closeUnused(olderThan: FiniteDuration): Unit = {
    val unused = synchronized {
      val found = entries.filter { case (_, entry) =>
        entry.leases == 0 && System.nanoTime - entry.unusedSince >= olderThan.toNanos
      }.toSeq
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

  /** What makes two sessions the same one. */
  final private case class Key(modelHash: String, config: SessionConfig)

  /** `leases` and `unusedSince` are guarded by the cache, `session` by the entry. */
  final private class Entry {
    @volatile var session: Option[InferenceSession] = None
    var leases = 0
    var unusedSince: Long = System.nanoTime
  }

  /** A claim on a session, given back by [[close]]. */
  final class Lease private[SessionCache] (val session: InferenceSession, giveBack: () => Unit) extends AutoCloseable {
    private var closed = false

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

  private var sharedCache = Option.empty[SessionCache]

  /** This JVM's own cache, an executor's one global state.
    *
    * @param idle
    *   taken from the first call
    */
  def shared(idle: FiniteDuration = 5.minutes): SessionCache = synchronized {
    sharedCache.getOrElse {
      val cache = new SessionCache(idle)
      sharedCache = Some(cache)
      sys.addShutdownHook(cache.closeIdle())
      cache
    }
  }
}
