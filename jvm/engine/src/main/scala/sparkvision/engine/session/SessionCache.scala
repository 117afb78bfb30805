package sparkvision.engine.session

import scala.concurrent.duration.FiniteDuration

import sparkvision.engine.bundle.{ModelBundle, TensorInfo}
import sparkvision.engine.runtime._
import sparkvision.engine.session.KeyedCache.{Expiry, Lease}

/** The open sessions of this process: one for each combination of model, graph, input, output, provider, device and
  * options, regardless of how many tasks use it.
  *
  * A session that no task uses stays open for as long as its leases asked for (the longest counts), so that the next
  * micro-batch of a stream finds it open.
  */
final private[sparkvision] class SessionCache(nativeRuns: NativeRuns, expiry: Expiry) extends AutoCloseable {
  import SessionCache._

  private val sessions = new KeyedCache[Key, SharedSession](_.close(), expiry = expiry)

  /** Sessions opened since the cache was made. */
  def openedCount: Long = sessions.loadCount

  /** Sessions open now. */
  def openCount: Int = sessions.size

  /** A claim on the session of `bundle` under `config`, which is opened if it is not open.
    *
    * @param idle
    *   how long the session stays open, unused, after this lease is closed
    * @return
    *   the lease, which the caller closes
    */
  private[engine] def acquire(bundle: ModelBundle, config: SessionConfig, idle: FiniteDuration): Lease[SharedSession] =
    sessions.acquire(Key(bundle, config), idle)(new SharedSession(InferenceSession.open(bundle, config, nativeRuns)))

  /** Closes every session that no task uses. */
  def closeIdle(): Unit = sessions.closeUnused()

  override def close(): Unit = sessions.close()
}

private object SessionCache {

  /** What two uses must have in common to share a session: the graph (a CLIP has two), what is fed to it and read from it,
    * and how it is run.
    */
  final case class Key(modelHash: String, graph: String, input: String, output: String, config: SessionConfig)

  object Key {
    def apply(bundle: ModelBundle, config: SessionConfig): Key = {
      val manifest = bundle.manifest
      Key(manifest.modelHash, manifest.graphFile, manifest.inputs.head.name, manifest.outputs.head.name, config)
    }
  }
}

/** An [[InferenceSession]] as the tasks of a process share it. On the CPU each task runs its own batches. On a GPU, which is
  * efficient only with full batches, dynamic batching fills them with the images of all tasks, and a batch that does not fit
  * into memory is split.
  */
final private[engine] class SharedSession(session: InferenceSession) extends AutoCloseable {
  private val onGpu = Option.when(session.provider == ExecutionProvider.Cuda)(new SplitOnOutOfMemory(session))
  private val dynamicBatches = onGpu.map(new DynamicBatches(_))

  def provider: ExecutionProvider = session.provider

  /** Runs a batch, as [[InferenceSession.run]] does.
    *
    * @param batchSize
    *   images to run at once, at most, if the batches of several tasks are joined
    * @param mayJoin
    *   whether images of other tasks may run in the same batch. It is false for padded batches: the results of an image
    *   would depend on the images that happen to arrive at the same time.
    */
  def run(
      batch: Batch,
      outputs: Seq[TensorInfo],
      batchSize: Int,
      mayJoin: Boolean,
      cancellation: Cancellation
  ): IndexedSeq[BatchRunner.Values] = dynamicBatches match {
    case Some(batches) if mayJoin => batches.run(batch, outputs, batchSize, cancellation)
    case _ => onGpu.getOrElse(session).run(batch, outputs, cancellation)
  }

  override def close(): Unit = {
    dynamicBatches.foreach(_.close())
    session.close()
  }
}
