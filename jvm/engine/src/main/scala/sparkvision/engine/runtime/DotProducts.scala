package sparkvision.engine.runtime

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}
import java.util.{Set => JavaSet}

import scala.jdk.CollectionConverters._
import scala.util.Using

import ai.onnxruntime.{OnnxTensor, OrtSession}

/** Dot products of every vector with every query, computed by ONNX Runtime, whose matrix product is the fastest available
  * one (`scripts/bench/similarity` compares them). An instance must not be shared between threads.
  *
  * @param queries
  *   unit vectors
  */
final private[engine] class DotProducts(
    queries: IndexedSeq[Array[Float]],
    dimension: Int,
    session: DotProductSession
) extends AutoCloseable {
  import DotProducts._

  private val products = directFloats(BlockRows * queries.size)
  private val values = new Array[Float](products.capacity)
  private val queryTensor = {
    val numbers = directFloats(queries.size * dimension)
    queries.foreach(numbers.put)
    session.nativeRuns.call(tensor(numbers.rewind(), queries.size))
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
    session.nativeRuns.run(Cancellation.Never) { options =>
      Using.resources(tensor(vectors, rows), tensor(products.slice(0, count), rows, queries.size)) { (block, output) =>
        val inputs = Map("vectors" -> block, "queries" -> queryTensor)
        session.native.run(inputs.asJava, JavaSet.of[String](), Map("products" -> output).asJava, options).close()
      }
    }
    products.get(0, values, 0, count)
    values
  }

  override def close(): Unit = session.nativeRuns.giveBack(queryTensor.close())

  private def tensor(numbers: FloatBuffer, rows: Int, columns: Int = dimension) =
    OnnxTensor.createTensor(OnnxRuntime.environment, numbers, Array(rows.toLong, columns.toLong))
}

private[engine] object DotProducts {

  /** Vectors of one run: their products with 64 queries stay in the cache of a core until they are read. */
  val BlockRows = 2048

  private def directFloats(count: Int): FloatBuffer =
    ByteBuffer.allocateDirect(count * java.lang.Float.BYTES).order(ByteOrder.nativeOrder).asFloatBuffer
}

/** A session that computes dot products on the CPU. It contains no weights, and any number of threads may use it. */
final private[engine] class DotProductSession private (
    private[runtime] val native: OrtSession,
    private[runtime] val nativeRuns: NativeRuns
) extends AutoCloseable {
  override def close(): Unit = nativeRuns.giveBack(native.close())
}

private[engine] object DotProductSession {

  /** Written by scripts/make_similarity_graph.py. */
  private val Graph = "/sparkvision/similarity/dot_products.onnx"

  /** @param threads
    *   threads of one run
    */
  def open(threads: Int, nativeRuns: NativeRuns): DotProductSession = {
    val graph = Using.resource(getClass.getResourceAsStream(Graph))(_.readAllBytes())
    val config = SessionConfig(ExecutionProvider.Cpu, intraOpThreads = threads)
    val session = nativeRuns.call {
      Using.resource(OnnxRuntime.options(ExecutionProvider.Cpu, config)) {
        OnnxRuntime.environment.createSession(graph, _)
      }
    }
    new DotProductSession(session, nativeRuns)
  }
}
