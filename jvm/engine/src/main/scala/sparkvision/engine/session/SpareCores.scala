package sparkvision.engine.session

import java.util.concurrent.atomic.{AtomicInteger, AtomicReferenceArray}
import java.util.concurrent.{CompletableFuture, CompletionException, Executor, Executors}

import scala.collection.mutable

import sparkvision.engine.runtime.DaemonThread

/** Does several pieces of work and returns their results in order. */
private[sparkvision] trait Parallel {
  def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R]
}

private[sparkvision] object Parallel {

  /** One piece after the other, on the calling thread. */
  object InTurn extends Parallel {
    override def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R] = pieces.map(_())
  }
}

/** The cores of this process that no task uses, for tasks that have more work than one core can do.
  *
  * Each task that processes images, texts or vectors occupies one core, its own. Where fewer tasks run than there are cores,
  * because a table has few partitions or the last partitions are long, a task borrows the free cores for the duration of one
  * batch.
  *
  * @param threads
  *   do the work on the borrowed cores
  */
final private[sparkvision] class SpareCores(threads: Executor = SpareCores.daemonThreads()) {
  private val used = new AtomicInteger
  // The number of models and operators that the thread of each task runs. Guarded by this object.
  private val occupants = mutable.Map[Thread, Int]()

  /** Counts the task of the calling thread, once even if it calls this several times. The caller closes the result when it
    * needs no core any more.
    */
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

  /** Does work on the calling thread and on free cores, of `cores` in total. */
  def upTo(cores: Int): Parallel = new Parallel {
    override def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R] = inParallel(cores, pieces)
  }

  /** Does several pieces of work, on the calling thread and on free cores.
    *
    * @param cores
    *   cores in total
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
      // After a failure on any thread, no thread continues to work on the buffers of the caller.
      try {
        (1 to borrowed).foreach(_ => helpers += helper(() => work()))
        work()
      } finally {
        used.addAndGet(helpers.size - borrowed) // those for which the system provided no thread
        next.set(pieces.size)
        SpareCores.await(CompletableFuture.allOf(helpers.toSeq: _*))
      }
      pieces.indices.map(results.get(_).get)
    }
  }

  /** Takes as many of the requested cores as are free. */
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

  /** As many daemon threads as are borrowed at one time; unused threads end. */
  private def daemonThreads(): Executor = Executors.newCachedThreadPool(DaemonThread("sparkvision-spare-core")(_))

  /** Waits without regard to interrupts, and throws what the work of a helper threw. */
  private def await(helpers: CompletableFuture[Void]): Unit =
    try { val _ = helpers.join() }
    catch { case failure: CompletionException => throw failure.getCause }
}
