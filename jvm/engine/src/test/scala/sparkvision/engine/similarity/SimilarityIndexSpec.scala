package sparkvision.engine.similarity

import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder}

import org.scalatest.funsuite.AnyFunSuite

class SimilarityIndexSpec extends AnyFunSuite {
  private val vectors = MadeIndex.clustered(count = 3, dimension = 8, seed = 5)

  /** What is said of an index of three vectors when a file of its shard holds something else. */
  private def refusal(file: String, method: SearchMethod = SearchMethod.Exact)(bytes: Array[Byte]): String = {
    val index = MadeIndex.write(Seq(vectors), 8, Some(HnswSettings(HnswSettings.DefaultM, efConstruction = 100)))
    Files.write(index._1.resolve("shard-0").resolve(file), bytes)
    intercept[SimilarityIndexException](MadeIndex.open(index, method)).getMessage
  }

  private def int32(values: Int*): Array[Byte] = {
    val bytes = ByteBuffer.allocate(values.size * 4).order(ByteOrder.LITTLE_ENDIAN)
    values.foreach(bytes.putInt)
    bytes.array
  }

  test("vectors that are not as many as the manifest says are refused, saying what to do") {
    Seq(0, 3 * 8 * 4 - 1, 3 * 8 * 4 + 1).foreach { size =>
      val refused = refusal(ShardWriter.Vectors)(new Array[Byte](size))
      assert(refused.contains(s"has $size bytes") && refused.contains("Build the index again with SimilarImages.build"))
    }
  }

  test("ids that do not end one after the other in the text are refused") {
    val length = "image-000000".length
    Seq(
      int32(),
      int32(length, 2 * length),
      int32(length, 2 * length, 3 * length, 3 * length),
      int32(length, 0, 3 * length),
      int32(-1, length, 2 * length),
      int32(length, 2 * length, 3 * length + 1)
    ).foreach(ends => assert(refusal(ShardWriter.IdEnds)(ends).contains("does not say where 3 ids end in 36 bytes")))
    assert(refusal(ShardWriter.Ids, SearchMethod.Approximate)(new Array[Byte](35)).contains("in 35 bytes"))
  }

  test("a graph of other vectors is refused") {
    val graph = Some(HnswSettings(HnswSettings.DefaultM, efConstruction = 100))
    val (folder, manifest) = MadeIndex.write(Seq(vectors, vectors.take(2)), 8, graph)
    def swap(from: Path, to: Path) = { val _ = Files.move(from, to) }
    swap(folder.resolve("shard-0/hnsw"), folder.resolve("away"))
    swap(folder.resolve("shard-1/hnsw"), folder.resolve("shard-0/hnsw"))
    val refused = intercept[SimilarityIndexException](MadeIndex.open((folder, manifest), SearchMethod.Approximate))
    assert(refused.getMessage.contains("has 2 vectors, and not 3"))
  }
}
