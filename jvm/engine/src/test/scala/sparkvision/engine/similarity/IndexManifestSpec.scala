package sparkvision.engine.similarity

import scala.collection.immutable.SortedMap

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.FileDigest

class IndexManifestSpec extends AnyFunSuite {
  private val files = SortedMap(
    "vectors.f32" -> FileDigest("ab", 128),
    "ids.ends.i32" -> FileDigest("ef", 8),
    "hnsw/segments_1" -> FileDigest("cd", 9)
  )
  private val manifest = IndexManifest(
    "new",
    Some("old"),
    dimension = 16,
    leftOut = 3,
    Some(HnswSettings(8, 50)),
    Seq(IndexShard("build-new/00000-1", 2, files)),
    "0.1.0"
  )

  private def refusal(json: String) =
    intercept[SimilarityIndexException](IndexManifest.parse(json, "hdfs:/index")).getMessage

  test("what is written is read") {
    assert(IndexManifest.parse(manifest.toJson, "here") == manifest)
    val first = manifest.copy(previous = None, graph = None)
    assert(IndexManifest.parse(first.toJson, "here") == first)
  }

  test("each method reads its own files and no others") {
    def names(method: SearchMethod) = manifest.filesOf(method).map(_._1.stripPrefix("build-new/00000-1/"))
    assert(names(SearchMethod.Exact) == Seq("ids.ends.i32", "vectors.f32"))
    assert(names(SearchMethod.Approximate) == Seq("hnsw/segments_1", "ids.ends.i32"))
  }

  test("a manifest that is none, or of another version or metric, is refused, naming the index and what to do") {
    assert(refusal("{").contains("hdfs:/index is not JSON") && refusal("{").contains("SimilarImages.build"))
    assert(refusal("{}").contains("has no 'schemaVersion'"))
    assert(
      refusal(manifest.toJson.replace("\"schemaVersion\" : 1", "\"schemaVersion\" : 2")).contains("schemaVersion 2")
    )
    assert(refusal(manifest.toJson.replace("cosine", "euclidean")).contains("metric 'euclidean'"))
  }

  test("a file outside the index is refused") {
    Seq("../vectors.f32", "/etc/passwd", "a//b", "").foreach { name =>
      assert(refusal(manifest.toJson.replace("vectors.f32", name)).contains(s"names '$name'"))
    }
  }

  test("a build that is no folder of the index is refused") {
    assert(refusal(manifest.toJson.replace("\"new\"", "\"x/../../y\"")).contains("names 'x/../../y'"))
  }

  test("sizes that do not fit the files are refused") {
    assert(refusal(manifest.copy(dimension = 0).toJson).contains("dimension 0"))
    assert(refusal(manifest.copy(dimension = 17).toJson).contains("128 bytes of vectors.f32"))
    Seq(0, -2, 3).foreach { count =>
      val shard = manifest.shards.head.copy(vectors = count)
      assert(refusal(manifest.copy(shards = Seq(shard)).toJson).contains(s"$count vectors"))
    }
  }
}
