package sparkvision.engine.session

import scala.concurrent.duration._

import sparkvision.engine.bundle.{ModelBundle, TensorInfo}
import sparkvision.engine.runtime.{Batch, BatchRunner, Cancellation, ExecutionProvider, SessionConfig}
import sparkvision.engine.session.KeyedCache.Lease
import sparkvision.image.ParameterException

/** How a task uses a session.
  *
  * @param config
  *   how the model is run
  * @param cores
  *   cores of this process that the task may use while other tasks leave them idle, each for runs of
  *   `config.intraOpThreads`
  * @param idle
  *   how long the session stays open when no task uses it
  */
final private[sparkvision] case class SessionSettings(
    config: SessionConfig = SessionConfig(),
    cores: Int = 1,
    idle: FiniteDuration = 5.minutes
)

/** What one task holds while it runs a model: a lease of a session, acquired when the first batch is run, and the task's
  * core.
  *
  * @param batchSize
  *   images or texts that the model is given at once, at most
  * @param cancellation
  *   whether the results are still wanted
  */
final private[engine] class TaskSession(
    bundle: ModelBundle,
    settings: SessionSettings,
    batchSize: Int,
    runtime: ExecutorRuntime,
    listener: ModelListener,
    cancellation: Cancellation
) extends AutoCloseable {
  private var lease = Option.empty[Lease[SharedSession]]
  private var ownCore = Option.empty[AutoCloseable]
  private var closed = false

  /** Does pieces of work on this task's core and on the cores that no task uses. */
  val onSpareCores: Parallel = runtime.spareCores.upTo(settings.cores)

  def requireOpen(): Unit = synchronized {
    if (closed) throw TaskSession.closedModel
  }

  /** Counts the calling thread's task among those that use a core. */
  def occupyCore(): Unit = synchronized {
    requireOpen()
    if (ownCore.isEmpty) ownCore = Some(runtime.spareCores.occupy())
  }

  /** Runs a batch: on the CPU as several runs on the cores that are free, else as one run.
    *
    * @param mayJoin
    *   as of [[SharedSession.run]]
    * @return
    *   for each item of the batch the values of each output
    */
  def run(batch: Batch, outputs: Seq[TensorInfo], mayJoin: Boolean = true): IndexedSeq[BatchRunner.Values] = {
    val session = acquired()
    def runPiece(piece: Batch) = session.run(piece, outputs, batchSize, mayJoin, cancellation)
    ModelListener.timed(listener.ran(batch.size, _)) {
      if (session.provider == ExecutionProvider.Cpu) {
        val pieces = batch.pieces(TaskSession.itemsPerRun(batch.valuesEach, settings.config.intraOpThreads))
        onSpareCores(pieces.map(piece => () => runPiece(piece))).flatten
      } else runPiece(batch)
    }
  }

  private def acquired(): SharedSession = {
    val held = synchronized {
      requireOpen()
      lease
    }
    held.getOrElse(acquire()).value
  }

  /** Opening a session takes seconds, so no lock is held meanwhile. If another thread was faster, or the model was closed,
    * the new lease is not needed.
    */
  private def acquire(): Lease[SharedSession] = {
    val acquired = runtime.sessions.acquire(bundle, settings.config, settings.idle)
    val held = synchronized {
      if (!closed && lease.isEmpty) lease = Some(acquired)
      lease
    }
    if (held.contains(acquired)) listener.sessionTaken(acquired.value.provider, acquired.isNew) else acquired.close()
    held.getOrElse(throw TaskSession.closedModel)
  }

  /** Returns the session to the cache, where it stays open for other tasks. */
  override def close(): Unit = synchronized {
    closed = true
    (lease ++ ownCore).foreach(_.close())
    lease = None
    ownCore = None
  }
}

private[engine] object TaskSession {

  private def closedModel = new ParameterException("This model is closed; open it again.")

  /** Values of the input of a CPU run for each of its threads: two images of 224 x 224. */
  private val ValuesPerThread = 2 * 3 * 224 * 224

  /** Images of one run on the CPU. One image keeps a core busy, so a larger run is not faster for being large, but the
    * intermediate results of its layers no longer fit into the core's cache. Small images run in larger numbers, because
    * each run has a fixed cost.
    */
  def itemsPerRun(valuesEach: Int, threads: Int): Int = math.max(1, ValuesPerThread / valuesEach) * threads
}
