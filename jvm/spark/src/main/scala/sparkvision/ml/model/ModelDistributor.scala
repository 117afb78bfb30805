package sparkvision.ml.model

import java.io.IOException
import java.lang.ref.WeakReference
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.{Path, StandardOpenOption}
import java.util.concurrent.atomic.AtomicLong

import scala.collection.concurrent.TrieMap
import scala.collection.mutable
import scala.concurrent.duration.Duration
import scala.util.Using

import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.spark.SparkContext
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.bundle.{EmbeddedModels, ModelBundle}
import sparkvision.engine.session.{ExecutorRuntime, KeyedCache}
import sparkvision.ml.metrics.StageTotals

/** Sends models to executors. Each model is sent once per application, however many stages, plans and queries use it.
  *
  * Sent models are held by weak references, keyed by content. Stages and plans hold them strongly; when none is left,
  * Spark's context cleaner frees the broadcasts.
  */
object ModelDistributor {

  /** Bytes: small compared to the memory of an executor, and few chunks even for a model of many gigabytes. */
  private val ChunkSize = 32 << 20

  /** The models that one application has sent. */
  final private class Sent {
    val models = TrieMap[String, WeakReference[DistributedModel]]()
    val count = new AtomicLong
    // A model is sent once, even if several queries need it at the same time.
    val sending = new KeyedCache[String, DistributedModel]()
  }

  /** The applications of this process. */
  final private class Applications {
    private val sent = mutable.WeakHashMap[SparkContext, Sent]()
    def of(context: SparkContext): Sent = synchronized(sent.getOrElseUpdate(context, new Sent))
  }

  private def sentBy(context: SparkContext): Sent =
    ExecutorRuntime.ofThisProcess.part(classOf[Applications])(new Applications).of(context)

  /** Models broadcast (or handed to executors as a URI) since the application began. */
  def distributionCount(context: SparkContext): Long = sentBy(context).count.get

  /** Sessions that executors have opened since the application began, as finished tasks reported them. */
  def sessionCount(context: SparkContext): Long = StageTotals.all(context).map(_.sessionsOpened).sum

  private[ml] def distribute(bundle: ModelBundle, uri: String, context: SparkContext): DistributedModel =
    if (context.isLocal) DistributedModel.OnThisMachine(bundle.bundleHash, bundle.folder.toString)
    else toExecutors(bundle, uri, context)

  private[ml] def toExecutors(bundle: ModelBundle, uri: String, context: SparkContext): DistributedModel = {
    val sent = sentBy(context)
    sent.sending.get(bundle.bundleHash, Duration.Zero) {
      val known = sent.models.get(bundle.bundleHash).flatMap(model => Option(model.get))
      known.filter(isStillThere(_, bundle, context)).getOrElse {
        val model =
          if (executorsCanRead(bundle, uri, context)) remote(bundle, uri, context) else send(bundle, context)
        sent.models(bundle.bundleHash) = new WeakReference(model)
        sent.count.incrementAndGet()
        model
      }
    }
  }

  /** Files that executors read themselves may have been deleted in the meantime. */
  private def isStillThere(model: DistributedModel, bundle: ModelBundle, context: SparkContext): Boolean = model match {
    case remote: DistributedModel.Remote => executorsCanRead(bundle, remote.uri, context)
    case _ => true
  }

  /** Executors cannot read a `file:` of the driver, nor a bundle that was deleted after it had been loaded. */
  private[ml] def executorsCanRead(bundle: ModelBundle, uri: String, context: SparkContext): Boolean =
    !EmbeddedModels.isEmbedded(uri) && {
      try {
        val fileSystem = new HadoopPath(uri).getFileSystem(context.hadoopConfiguration)
        fileSystem.getUri.getScheme != "file" && bundle.fileNames.forall(name =>
          fileSystem.exists(new HadoopPath(uri, name))
        )
      } catch { case _: IOException => false }
    }

  private def remote(bundle: ModelBundle, uri: String, context: SparkContext): DistributedModel =
    DistributedModel.Remote(
      bundle.bundleHash,
      bundle.size,
      uri,
      bundle.fileNames,
      context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))
    )

  private[ml] def send(
      bundle: ModelBundle,
      context: SparkContext,
      chunkSize: Int = ChunkSize
  ): DistributedModel.Broadcasted = {
    // Otherwise each executor would refuse a damaged model, without knowing where the damage happened.
    bundle.requireUndamaged()
    val files = bundle.fileNames.map { name =>
      DistributedModel.BroadcastFile(name, chunks(bundle.folder.resolve(name), context, chunkSize))
    }
    DistributedModel.Broadcasted(bundle.bundleHash, bundle.size, files)
  }

  /** Only one chunk at a time is in the driver's memory. Spark's block manager moves chunks to disk when memory is short. */
  private def chunks(file: Path, context: SparkContext, chunkSize: Int): Seq[Broadcast[Array[Byte]]] =
    Using.resource(FileChannel.open(file, StandardOpenOption.READ)) { channel =>
      Iterator
        .continually {
          val chunk = ByteBuffer.allocate(math.min(chunkSize.toLong, channel.size - channel.position()).toInt)
          while (chunk.hasRemaining && channel.read(chunk) >= 0) {}
          chunk.array
        }
        .takeWhile(_.nonEmpty)
        .map(context.broadcast(_))
        .toSeq
    }
}
