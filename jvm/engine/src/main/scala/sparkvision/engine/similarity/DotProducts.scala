package sparkvision.engine.similarity

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}
import java.util.{Set => JavaSet}

import scala.jdk.CollectionConverters._
import scala.util.Using

import ai.onnxruntime.{OnnxTensor, OrtSession}

import sparkvision.engine.runtime.{Cancellation, ExecutionProvider, NativeRuns, OnnxRuntime, SessionConfig}
import sparkvision.engine.session.ExecutorRuntime

/** Dot products of every vector with every query, computed by ONNX Runtime, whose matrix product is the fastest available
  * one (`scripts/bench/similarity` compares them). An instance must not be shared between threads.
  *
  * @param queries
  *   unit vectors
  */
final private[similarity] class DotProducts(
    queries: IndexedSeq[Array[Float]],
    dimension: Int,
    threads: Int,
    sessions: DotProductSessions
) extends AutoCloseable {
  import DotProducts._

  private val session = sessions.of(threads)
  private val products = directFloats(BlockRows * queries.size)
  private val values = new Array[Float](products.capacity)
  private val queryTensor = {
    val numbers = directFloats(queries.size * dimension)
    queries.foreach(numbers.put)
    sessions.nativeRuns.call(tensor(numbers.rewind(), queries.size))
  }

  /** @param vectors
    *   at most [[DotProducts.BlockRows]] vectors, one after the other
    * @return
    *   the products of the first vector with each query, then those of the second, and so on. The next call overwrites the
    *   array.
    */
  def apply(vectors: FloatBuffer): Array[Float] = {
    val rows = vectors.remaining / dimension
    val count = rows * queries.size
    // A run takes milliseconds, so cancellation is not worthwhile.
    sessions.nativeRuns.run(Cancellation.Never) { options =>
      Using.resources(tensor(vectors, rows), tensor(products.slice(0, count), rows, queries.size)) { (block, output) =>
        val inputs = Map("vectors" -> block, "queries" -> queryTensor)
        session.run(inputs.asJava, JavaSet.of[String](), Map("products" -> output).asJava, options).close()
      }
    }
    products.get(0, values, 0, count)
    values
  }

  override def close(): Unit = sessions.nativeRuns.giveBack(queryTensor.close())

  private def tensor(numbers: FloatBuffer, rows: Int, columns: Int = dimension) =
    OnnxTensor.createTensor(OnnxRuntime.environment, numbers, Array(rows.toLong, columns.toLong))
}

private[similarity] object DotProducts {

  /** Vectors of one run: their products with 64 queries stay in the cache of a core until they are read. */
  val BlockRows = 2048

  private def directFloats(count: Int): FloatBuffer =
    ByteBuffer.allocateDirect(count * java.lang.Float.BYTES).order(ByteOrder.nativeOrder).asFloatBuffer
}

/** The sessions that compute dot products, one for each number of threads. They contain no weights, and stay open until the
  * process ends.
  */
final private[similarity] class DotProductSessions(runtime: ExecutorRuntime) extends AutoCloseable {
  val nativeRuns: NativeRuns = runtime.nativeRuns

  private val sessions =
    runtime.newCache[Int, OrtSession](session => nativeRuns.giveBack(session.close()))

  def of(threads: Int): OrtSession = sessions.get(threads) {
    val graph = Using.resource(getClass.getResourceAsStream(DotProductSessions.Graph))(_.readAllBytes())
    val config = SessionConfig(ExecutionProvider.Cpu, intraOpThreads = threads)
    nativeRuns.call {
      Using.resource(OnnxRuntime.options(ExecutionProvider.Cpu, config)) {
        OnnxRuntime.environment.createSession(graph, _)
      }
    }
  }

  override def close(): Unit = sessions.close()
}

private[similarity] object DotProductSessions {

  /** Written by scripts/make_similarity_graph.py. */
  private val Graph = "/sparkvision/similarity/dot_products.onnx"

  def of(runtime: ExecutorRuntime): DotProductSessions =
    runtime.part(classOf[DotProductSessions])(new DotProductSessions(runtime))
}
