package sparkvision.engine.session

import java.util.concurrent.atomic.{AtomicInteger, AtomicReferenceArray}
import java.util.concurrent.{CompletableFuture, CompletionException, Executor, Executors}

import scala.collection.mutable

/** The cores of this process that no task uses, for tasks that have more to do than one core's work.
  *
  * Each task that works on images, texts or vectors occupies one core, its own. Where fewer tasks run than there are
  * cores, because a table has few partitions or the last ones are long, a task borrows the cores that are left over, for as
  * long as one batch takes.
  *
  * @param threads
  *   which work on the borrowed cores
  */
final private[sparkvision] class SpareCores(threads: Executor = SpareCores.threads) {
  private val used = new AtomicInteger
  // How many models and operators each task's thread runs. Guarded by this object.
  private val occupants = mutable.Map[Thread, Int]()

  /** Counts the calling thread's task, once however often it asks; the caller closes what it got when it needs no core. */
  def occupy(): AutoCloseable = {
    val task = Thread.currentThread
    count(task, 1)
    () => count(task, -1)
  }

  private def count(task: Thread, change: Int): Unit = synchronized {
    val before = occupants.getOrElse(task, 0)
    if (before == 0) used.incrementAndGet()
    if (before + change > 0) occupants(task) = before + change
    else {
      occupants.remove(task)
      val _ = used.decrementAndGet()
    }
  }

  /** Does several pieces of work, on the calling thread and on cores that nobody uses.
    *
    * @param cores
    *   that there are in all
    * @return
    *   the results, in order
    */
  def inParallel[R](cores: Int, pieces: IndexedSeq[() => R]): IndexedSeq[R] = {
    val borrowed = borrow(math.min(pieces.size - 1, cores), cores)
    if (borrowed <= 0) pieces.map(_())
    else {
      val results = new AtomicReferenceArray[Option[R]](pieces.size)
      val next = new AtomicInteger
      def work(): Unit =
        Iterator.continually(next.getAndIncrement()).takeWhile(_ < pieces.size).foreach { index =>
          results.set(index, Some(pieces(index)()))
        }
      val helpers = mutable.ArrayBuffer[CompletableFuture[Void]]()
      // Whatever fails, here or there, nobody is left at work on the caller's buffers.
      try {
        (1 to borrowed).foreach(_ => helpers += helper(() => work()))
        work()
      } finally {
        used.addAndGet(helpers.size - borrowed) // those that the system gave no thread
        next.set(pieces.size)
        SpareCores.await(CompletableFuture.allOf(helpers.toSeq: _*))
      }
      pieces.indices.map(results.get(_).get)
    }
  }

  /** Takes as many of the wanted cores as are free. */
  private def borrow(wanted: Int, cores: Int): Int = {
    val before = used.getAndUpdate(now => now + math.max(0, math.min(wanted, cores - now)))
    math.max(0, math.min(wanted, cores - before))
  }

  private def helper(work: () => Unit): CompletableFuture[Void] = {
    val task: Runnable = () =>
      try work()
      finally { val _ = used.decrementAndGet() }
    CompletableFuture.runAsync(task, threads)
  }
}

private[sparkvision] object SpareCores {

  /** This process's own. */
  val shared = new SpareCores

  /** As many threads as are borrowed at one time; those that are not used end. */
  private lazy val threads: Executor = Executors.newCachedThreadPool { task =>
    val thread = new Thread(task, "sparkvision-spare-core")
    thread.setDaemon(true)
    thread
  }

  /** Waits, whoever interrupts, and throws what a helper's work threw. */
  private def await(helpers: CompletableFuture[Void]): Unit =
    try { val _ = helpers.join() }
    catch { case failure: CompletionException => throw failure.getCause }
}
