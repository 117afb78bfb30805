package sparkvision.engine.runtime

import java.util.concurrent.CancellationException
import java.util.concurrent.TimeUnit.NANOSECONDS
import java.util.concurrent.locks.ReentrantLock

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.control.NonFatal

import ai.onnxruntime.OrtSession.RunOptions
import org.slf4j.LoggerFactory

/** The gate that every thread of this JVM passes on its way into ONNX Runtime, so that runs can be ended: the runs of a
  * cancelled task, and all runs when the JVM shuts down.
  *
  * A JVM that shuts down while a thread is inside ONNX Runtime dies with SIGSEGV, for two reasons. First, ONNX Runtime's own
  * shutdown hook releases its environment while other hooks run: [[OnnxRuntime]] therefore holds a second reference. Second,
  * after the hooks the C library destroys the static objects of all native libraries: a shutdown hook of `ExecutorRuntime`
  * therefore closes this gate. From then on no call begins, runs are told to end, which they do before the next operator of
  * the graph, and the JVM continues its shutdown when the last thread has left.
  *
  * @param interval
  *   how often running calls are checked for cancellation
  */
final private[engine] class NativeRuns(interval: FiniteDuration = NativeRuns.Interval) {
  import NativeRuns._

  private val lock = new ReentrantLock
  private val ended = lock.newCondition() // a call left a closed gate
  private val begun = lock.newCondition() // the watcher has something to do
  // Guarded by the lock.
  private val calls = mutable.Set[Call]()
  private var closed = false
  private var watcher = Option.empty[Thread]
  private var watcherIsIdle = false

  /** Runs a session with the options that are passed to `session`. They are null, which means the defaults, where this
    * runtime cannot end a run; such a run always completes.
    *
    * @throws java.util.concurrent.CancellationException
    *   when the run was ended, or not begun, because it is cancelled or the JVM is shutting down
    */
  def run[A](cancellation: Cancellation)(session: RunOptions => A): A = through(new Call(cancellation)) { call =>
    if (cancellation.isCancelled()) throw call.endedBecause(null)
    val options = Option.when(OnnxRuntime.canEndRuns)(new RunOptions)
    try {
      locked {
        call.options = options
        if (closed) call.terminate()
      }
      session(options.orNull)
    } catch {
      case NonFatal(e) if locked(call.wasTerminated) => throw call.endedBecause(e)
    } finally {
      locked { call.options = None }
      options.foreach(_.close())
    }
  }

  /** Calls ONNX Runtime for anything but a run: to open and close sessions, and to create tensors outside of a run.
    *
    * @throws java.util.concurrent.CancellationException
    *   when the JVM is shutting down
    */
  def call[A](work: => A): A = through(new Call(Cancellation.Never))(_ => work)

  /** Releases something native, except while the JVM is shutting down: the operating system then releases everything. */
  def giveBack(work: => Unit): Unit =
    try call(work)
    catch { case _: CancellationException => () }

  /** Refuses further calls, ends the runs, and waits for the calls in progress.
    *
    * @return
    *   whether all calls ended within the time
    */
  def close(within: FiniteDuration = Deadline): Boolean = locked {
    closed = true
    calls.foreach(_.terminate())
    begun.signalAll()
    var left = within.toNanos
    while (calls.nonEmpty && left > 0) left = ended.awaitNanos(left)
    calls.isEmpty
  }

  private def through[A](call: Call)(work: Call => A): A = {
    locked {
      if (closed) throw new CancellationException(JvmEnds)
      calls += call
      if (call.cancellation != Cancellation.Never) watch()
    }
    try work(call)
    finally
      locked {
        calls -= call
        if (closed) ended.signalAll()
      }
  }

  private def watch(): Unit =
    if (watcher.isEmpty) {
      val thread = DaemonThread("sparkvision-cancellation")(() => endCancelled())
      watcher = Some(thread)
      thread.start()
    } else if (watcherIsIdle) begun.signalAll()

  private def endCancelled(): Unit = locked {
    while (!closed) {
      calls.foreach(endIfCancelled)
      watcherIsIdle = calls.forall(_.cancellation == Cancellation.Never)
      if (watcherIsIdle) begun.await()
      else { val _ = begun.await(interval.toNanos, NANOSECONDS) }
    }
  }

  /** If the cancellation of one call throws, the watcher continues with the others. */
  private def endIfCancelled(call: Call): Unit =
    try if (call.cancellation.isCancelled()) call.terminate()
    catch { case NonFatal(e) => log.warn("A run cannot be asked whether it is cancelled, or cannot be ended.", e) }

  private def locked[A](work: => A): A = {
    lock.lock()
    try work
    finally lock.unlock()
  }
}

private[engine] object NativeRuns {
  private val log = LoggerFactory.getLogger(classOf[NativeRuns])

  private val JvmEnds = "This JVM is shutting down, and runs no more models."
  private val Cancelled = "The run was cancelled with the task that it belongs to."

  /** Short compared to the seconds within which a user expects a cancelled job to end, and long compared to the cost of a
    * check.
    */
  private val Interval = 100.millis

  /** An operator takes milliseconds, some 100 of them in the largest models. Only opening a session takes seconds, and it
    * cannot be told to end. Cluster managers kill a process that has not ended after 10 seconds or more.
    */
  val Deadline = 8.seconds

  /** A thread that is inside. Guarded by the gate's lock. */
  final private class Call(val cancellation: Cancellation) {
    var options = Option.empty[RunOptions]
    var wasTerminated = false

    def terminate(): Unit = options.foreach { running =>
      running.setTerminate(true)
      wasTerminated = true
    }

    def endedBecause(cause: Throwable): CancellationException = {
      val exception = new CancellationException(if (cancellation.isCancelled()) Cancelled else JvmEnds)
      exception.initCause(cause)
      exception
    }
  }
}
