package sparkvision.engine.session

import java.util.concurrent.{CountDownLatch, Executors, TimeUnit}

import scala.annotation.tailrec
import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.control.NonFatal

import org.slf4j.LoggerFactory

import sparkvision.engine.runtime.DaemonThread
import sparkvision.engine.session.KeyedCache.Expiry

/** Values that are expensive to load, one for each key, shared by all threads that ask for them.
  *
  *   - A value is loaded once, by the first thread that asks for its key. Other threads that ask for the same key wait for
  *     it; threads that ask for other keys do not. A load that fails is not cached: its exception is thrown to the thread
  *     that loaded, and the next one loads again.
  *   - A value that is in use (it has an open lease) is never closed. An unused value stays for as long as its leases asked
  *     for, and for as long as all values together do not exceed the limit; the least recently used value goes first.
  *   - No lock is held while a value is loaded or closed.
  *
  * {{{
  * val files = new KeyedCache[Path, FileChannel](FileChannel.open(_), _.close())
  * Using.resource(files.acquire(path, 5.minutes)(FileChannel.open(path)))(lease => read(lease.value))
  * }}}
  *
  * @param closeValue
  *   releases a value that leaves the cache
  * @param weigh
  *   the share of the limit that a value takes: 1 for a limit in entries, or its bytes
  * @param limit
  *   total weight of the values, which only values in use may exceed
  * @param expiry
  *   clock and timer for values that expire
  */
final private[sparkvision] class KeyedCache[K, V](
    closeValue: V => Unit = (_: V) => (),
    weigh: V => Long = (_: V) => 1L,
    limit: Long = Long.MaxValue,
    expiry: Expiry = Expiry.Never
) extends AutoCloseable {
  import KeyedCache._

  // In the order in which they were last acquired. This object guards the map and the fields of its entries.
  private val entries = mutable.LinkedHashMap[K, Entry]()
  private var loads = 0L
  private var closed = false

  /** Values loaded since the cache was made. */
  def loadCount: Long = synchronized(loads)

  /** Values in the cache now. */
  def size: Int = synchronized(entries.values.count(_.value.isDefined))

  /** Claims the value of a key, and loads it first if the cache does not have it.
    *
    * @param idle
    *   how long the value stays, unused, after this lease is closed; of several leases the longest counts
    * @return
    *   the lease, which the caller closes
    * @throws InterruptedException
    *   when the caller is interrupted while it waits for another thread's load
    */
  @tailrec
  def acquire(key: K, idle: FiniteDuration = Forever)(load: => V): Lease[V] = {
    val (entry, isNew) = claim(key)
    if (isNew) loadInto(entry)(load) else awaitLoaded(entry)
    synchronized(entry.value) match {
      case Some(value) => new OpenLease(entry, value, isNew, idle)
      case None => acquire(key, idle)(load) // the other thread's load failed
    }
  }

  /** The value of a key, for values that stay usable when they leave the cache. */
  def get(key: K, idle: FiniteDuration = Forever)(load: => V): V = {
    val lease = acquire(key, idle)(load)
    lease.close()
    lease.value
  }

  /** Removes the value of a key if it is no longer usable, so that the next caller loads another. It is closed when its last
    * lease is.
    */
  def discard(key: K)(isUnusable: V => Boolean): Unit = {
    val found = synchronized(entries.get(key).flatMap(entry => entry.value.map(entry -> _)))
    found.filter { case (_, value) => isUnusable(value) }.foreach { case (entry, _) =>
      closeAll(synchronized {
        if (entries.get(key).contains(entry)) entries.remove(key)
        takeIfUnused(entry)
      })
    }
  }

  /** Closes the values that nobody uses. */
  def closeUnused(): Unit = evict(_ => true)

  /** Closes all values, those in use when their last lease is closed. The cache loads nothing any more. */
  override def close(): Unit = closeAll(synchronized {
    closed = true
    val all = entries.values.toSeq
    entries.clear()
    all.flatMap(takeIfUnused)
  })

  /** One key's place in the cache.
    *
    * @param loaded
    *   opens when the load has ended, successfully or not
    */
  final private class Entry(val key: K) {
    val loaded = new CountDownLatch(1)
    var value = Option.empty[V]
    var weight = 0L
    var leases = 1
    var keepUntil = Option.empty[Long] // by the expiry's clock, once a lease was closed; never becomes earlier
    var isScheduled = false // whether a task of the timer will look at this entry

    def isUnused: Boolean = leases == 0
  }

  final private class OpenLease(entry: Entry, val value: V, val isNew: Boolean, idle: FiniteDuration) extends Lease[V] {
    private var isClosed = false

    override def close(): Unit = {
      val isFirst = synchronized {
        val first = !isClosed
        isClosed = true
        first
      }
      if (isFirst) release(entry, idle)
    }
  }

  private def claim(key: K): (Entry, Boolean) = synchronized {
    if (closed) throw new IllegalStateException("The cache is closed.")
    entries.remove(key) match {
      case Some(entry) =>
        entry.leases += 1
        entries(key) = entry // now the most recently used
        (entry, false)
      case None =>
        val entry = new Entry(key)
        entries(key) = entry
        (entry, true)
    }
  }

  private def loadInto(entry: Entry)(load: => V): Unit = {
    try {
      val value = load
      val weight = weigh(value)
      synchronized {
        entry.value = Some(value)
        entry.weight = weight
        loads += 1
      }
    } catch {
      case e: Throwable =>
        synchronized(if (entries.get(entry.key).contains(entry)) entries.remove(entry.key))
        throw e
    } finally entry.loaded.countDown()
    closeAll(synchronized(takeWhatExceeds()))
  }

  private def awaitLoaded(entry: Entry): Unit =
    try entry.loaded.await()
    catch {
      case e: InterruptedException =>
        release(entry, Duration.Zero)
        throw e
    }

  private def release(entry: Entry, idle: FiniteDuration): Unit = {
    val unused = synchronized {
      entry.leases -= 1
      // Differences, because the clock may start anywhere and may wrap around.
      val until = expiry.nanoTime() + idle.toNanos
      if (entry.keepUntil.forall(until - _ > 0)) entry.keepUntil = Some(until)
      if (entry.isUnused && !entries.get(entry.key).contains(entry)) takeIfUnused(entry).toSeq
      else takeWhatExceeds()
    }
    closeAll(unused)
    expire(entry)
  }

  /** Closes the value of an unused entry if its time is over; otherwise the timer does so. An entry has at most one task of
    * the timer. If the value was used again in the meantime, the task comes too early and schedules its successor.
    */
  private def expire(entry: Entry): Unit = {
    val remaining = synchronized {
      val nanos = untilExpired(entry)
      val expires = entry.isUnused && entry.value.isDefined && nanos < Forever.toNanos / 2
      Option.when(expires && (nanos <= 0 || !entry.isScheduled)) {
        entry.isScheduled ||= nanos > 0
        nanos
      }
    }
    remaining.foreach(nanos => if (nanos <= 0) evictExpired() else expiry.schedule(nanos, () => expireScheduled(entry)))
  }

  private def expireScheduled(entry: Entry): Unit = {
    synchronized(entry.isScheduled = false)
    expire(entry)
  }

  private def untilExpired(entry: Entry): Long = entry.keepUntil.fold(0L)(_ - expiry.nanoTime())

  private def evictExpired(): Unit = evict(untilExpired(_) <= 0)

  private def evict(mayGo: Entry => Boolean): Unit = closeAll(synchronized {
    entries.values.filter(entry => entry.isUnused && mayGo(entry)).toSeq.flatMap(remove)
  })

  /** Removes the least recently used of the unused values until the rest is within the limit. */
  private def takeWhatExceeds(): Seq[V] = {
    var excess = entries.values.map(_.weight).sum - limit
    entries.values.filter(_.isUnused).toSeq.flatMap { entry =>
      if (excess <= 0) None
      else {
        excess -= entry.weight
        remove(entry)
      }
    }
  }

  private def remove(entry: Entry): Option[V] = {
    entries.remove(entry.key)
    takeIfUnused(entry)
  }

  /** The value to close, which is then nobody else's to close. */
  private def takeIfUnused(entry: Entry): Option[V] =
    if (entry.isUnused) {
      val value = entry.value
      entry.value = None
      value
    } else None

  private def closeAll(values: Iterable[V]): Unit = values.foreach { value =>
    try closeValue(value)
    catch { case NonFatal(e) => log.warn("A cached value could not be closed", e) }
  }
}

private[sparkvision] object KeyedCache {
  private val log = LoggerFactory.getLogger(classOf[KeyedCache[_, _]])

  /** An unused value stays until the limit needs its place. */
  val Forever: FiniteDuration = (Long.MaxValue / 4).nanos

  /** A claim on a value of the cache. The value is usable until the lease is closed. */
  trait Lease[+V] extends AutoCloseable {
    def value: V

    /** Whether the value was loaded for this lease. */
    def isNew: Boolean

    /** Gives the claim back; closing a lease again does nothing. */
    override def close(): Unit
  }

  /** Clock and timer of values that expire. */
  trait Expiry {
    def nanoTime(): Long

    /** Runs `task` once, after the delay, on a thread of the timer. */
    def schedule(nanos: Long, task: Runnable): Unit
  }

  object Expiry {

    /** For caches whose values do not expire. */
    object Never extends Expiry {
      override def nanoTime(): Long = 0
      override def schedule(nanos: Long, task: Runnable): Unit = ()
    }

    /** A daemon thread of its own, which starts with the first task. */
    final class Timer extends Expiry with AutoCloseable {
      private val executor = Executors.newSingleThreadScheduledExecutor(DaemonThread("sparkvision-cache-expiry")(_))

      override def nanoTime(): Long = System.nanoTime

      override def schedule(nanos: Long, task: Runnable): Unit =
        if (!executor.isShutdown) { val _ = executor.schedule(task, nanos, TimeUnit.NANOSECONDS) }

      override def close(): Unit = { val _ = executor.shutdownNow() }
    }
  }
}
