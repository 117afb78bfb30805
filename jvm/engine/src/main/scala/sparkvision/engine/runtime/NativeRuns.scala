package sparkvision.engine.runtime

import java.util.concurrent.CancellationException
import java.util.concurrent.TimeUnit.NANOSECONDS
import java.util.concurrent.locks.ReentrantLock

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.control.NonFatal

import ai.onnxruntime.OrtSession.RunOptions
import org.slf4j.LoggerFactory

/** The gate through which every thread of this JVM goes into ONNX Runtime, so that runs can be ended: those of a cancelled
  * task, and all of them when the JVM ends.
  *
  * A JVM that ends while a thread is inside ONNX Runtime dies with SIGSEGV, for two reasons. ONNX Runtime's own shutdown hook
  * releases its environment, side by side with all other hooks: [[OnnxRuntime]] therefore holds a second reference. And after
  * the hooks the C library destroys the static objects of all native libraries: therefore a hook of ours closes this gate.
  * Then no call begins any more, runs are told to end, which they do before the graph's next operator, and the JVM goes on
  * ending when the last thread has come out.
  *
  * @param interval
  *   how often runs are asked whether they are cancelled
  */
final private[engine] class NativeRuns(interval: FiniteDuration = NativeRuns.Interval) {
  import NativeRuns._

  private val lock = new ReentrantLock
  private val ended = lock.newCondition() // a call came out of a closed gate
  private val begun = lock.newCondition() // there is something for the watcher to do
  // Guarded by the lock.
  private val calls = mutable.Set[Call]()
  private var closed = false
  private var watcher = Option.empty[Thread]
  private var watcherIsIdle = false

  /** Runs a session with the given options: null, which stands for the defaults, where this runtime cannot end a run. Such a
    * run comes to its end by itself.
    *
    * @throws java.util.concurrent.CancellationException
    *   when the run was ended, or not begun, because it is cancelled or the JVM ends
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

  /** Does anything else in ONNX Runtime: what opens and closes sessions, and makes tensors outside of a run.
    *
    * @throws java.util.concurrent.CancellationException
    *   when the JVM ends
    */
  def call[A](work: => A): A = through(new Call(Cancellation.Never))(_ => work)

  /** Gives something native back, unless the JVM ends: the operating system then takes everything back. */
  def giveBack(work: => Unit): Unit =
    try call(work)
    catch { case _: CancellationException => () }

  /** Lets no call begin any more, ends the runs, and waits for all calls that are under way.
    *
    * @return
    *   whether all came to their end within the time
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
      val thread = new Thread(() => endCancelled(), "sparkvision-cancellation")
      thread.setDaemon(true)
      thread.setContextClassLoader(null) // not that of the task which happens to be the first
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

  /** Whatever one call's cancellation throws, the watcher goes on with the others. */
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

  private val JvmEnds = "This JVM is ending, and runs no model any more."
  private val Cancelled = "The run was cancelled with the task that it belongs to."

  /** Short beside the seconds in which a user expects a cancelled job to end, long beside the cost of asking. */
  private val Interval = 100.millis

  /** An operator takes milliseconds, of the largest models some 100. Only opening a session takes seconds, and cannot be told
    * to end. Cluster managers kill a process that does not end in some 10 seconds or more.
    */
  private val Deadline = 8.seconds

  /** This JVM's own. Its one owner today; a process-wide place can make and close it as well. */
  val shared: NativeRuns = {
    val runs = new NativeRuns
    try
      Runtime.getRuntime.addShutdownHook(
        new Thread(
          () => if (!runs.close()) log.warn(s"A call into ONNX Runtime did not end within $Deadline of the JVM's end."),
          "sparkvision-native-runs-end"
        )
      )
    catch { case _: IllegalStateException => runs.close() } // the JVM is ending already
    runs
  }

  /** One thread's stay inside. Guarded by the gate's lock. */
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
