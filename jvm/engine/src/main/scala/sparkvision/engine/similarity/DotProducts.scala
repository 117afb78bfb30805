package sparkvision.engine.similarity

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}
import java.util.{Set => JavaSet}

import scala.collection.concurrent.TrieMap
import scala.jdk.CollectionConverters._
import scala.util.Using

import ai.onnxruntime.{OnnxTensor, OrtSession}

import sparkvision.engine.runtime.{Cancellation, ExecutionProvider, NativeRuns, OnnxRuntime, SessionConfig}

/** Dot products of every vector with every query, by ONNX Runtime, whose matrix product is the fastest that is at hand
  * (`scripts/bench/similarity` compares). One at a time; threads have one each.
  *
  * @param queries
  *   unit vectors
  */
final private[similarity] class DotProducts(queries: IndexedSeq[Array[Float]], dimension: Int, threads: Int)
    extends AutoCloseable {
  import DotProducts._

  private val session = sessionOf(threads)
  private val products = directFloats(BlockRows * queries.size)
  private val values = new Array[Float](products.capacity)
  private val queryTensor = {
    val numbers = directFloats(queries.size * dimension)
    queries.foreach(numbers.put)
    NativeRuns.shared.call(tensor(numbers.rewind(), queries.size))
  }

  /** @param vectors
    *   at most [[DotProducts.BlockRows]] of them, one after the other
    * @return
    *   the products of the first vector with each query, then those of the second, and so on; until the next call
    */
  def apply(vectors: FloatBuffer): Array[Float] = {
    val rows = vectors.remaining / dimension
    val count = rows * queries.size
    // A run takes milliseconds: it is not worth cancelling.
    NativeRuns.shared.run(Cancellation.Never) { options =>
      Using.resources(tensor(vectors, rows), tensor(products.slice(0, count), rows, queries.size)) { (block, output) =>
        val inputs = Map("vectors" -> block, "queries" -> queryTensor)
        session.run(inputs.asJava, JavaSet.of[String](), Map("products" -> output).asJava, options).close()
      }
    }
    products.get(0, values, 0, count)
    values
  }

  override def close(): Unit = NativeRuns.shared.giveBack(queryTensor.close())

  private def tensor(numbers: FloatBuffer, rows: Int, columns: Int = dimension) =
    OnnxTensor.createTensor(OnnxRuntime.environment, numbers, Array(rows.toLong, columns.toLong))
}

private[similarity] object DotProducts {

  /** Vectors a run: their products with 64 queries stay in a core's cache until they are looked at. */
  val BlockRows = 2048

  /** Written by scripts/make_similarity_graph.py. */
  private val Graph = "/sparkvision/similarity/dot_products.onnx"

  /** Never closed, as the environment: there is one for each number of threads, and it holds no weights. */
  private val sessions = TrieMap[Int, OrtSession]()

  private def sessionOf(threads: Int): OrtSession = sessions.synchronized {
    sessions.getOrElseUpdate(
      threads, {
        val graph = Using.resource(getClass.getResourceAsStream(Graph))(_.readAllBytes())
        val config = SessionConfig(ExecutionProvider.Cpu, intraOpThreads = threads)
        NativeRuns.shared.call {
          Using.resource(OnnxRuntime.options(ExecutionProvider.Cpu, config)) {
            OnnxRuntime.environment.createSession(graph, _)
          }
        }
      }
    )
  }

  private def directFloats(count: Int): FloatBuffer =
    ByteBuffer.allocateDirect(count * java.lang.Float.BYTES).order(ByteOrder.nativeOrder).asFloatBuffer
}
