package sparkvision.engine.similarity

import java.nio.file.{Files, Path}

import scala.collection.immutable.SortedMap
import scala.util.Random

import sparkvision.engine.session.ExecutorRuntime

/** Made vectors, and indexes of them. */
object MadeIndex {
  type Named = (String, Array[Float])

  /** Unit vectors around a few centres, as embeddings of images lie, named in no order. */
  def clustered(count: Int, dimension: Int, seed: Int): IndexedSeq[Named] = {
    val random = new Random(seed)
    val centres = IndexedSeq.fill(20)(Array.fill(dimension)(random.nextGaussian()))
    val names = random.shuffle((0 until count).toIndexedSeq)
    names.map { name =>
      val vector = centres(random.nextInt(centres.size)).map(_ + 0.7 * random.nextGaussian())
      f"image-$name%06d" -> UnitVector.of(vector, dimension).toOption.get
    }
  }

  /** An index of one shard for each part, in a new folder. */
  def write(
      parts: Seq[IndexedSeq[Named]],
      dimension: Int,
      graph: Option[HnswSettings] = None,
      memory: Int = 64
  ): (Path, IndexManifest) = {
    val folder = Files.createTempDirectory("similarity")
    val shards = parts.zipWithIndex.map { case (part, number) =>
      val name = s"shard-$number"
      val written =
        new ShardWriter(Files.createDirectory(folder.resolve(name)), dimension, graph, memory).write(part.iterator)
      IndexShard(name, written, SortedMap.empty)
    }
    (folder, IndexManifest("build", None, dimension, 0, graph, shards, "test"))
  }

  def open(index: (Path, IndexManifest), method: SearchMethod): SimilarityIndex =
    SimilarityIndex.open(index._1, index._2, method, ExecutorRuntime.ofThisProcess)

  /** What comparing all in double precision finds. */
  def nearest(vectors: Seq[Named], query: Array[Float], count: Int): Seq[Neighbour] = vectors
    .map { case (id, vector) => Neighbour(id, vector.zip(query).map { case (a, b) => a.toDouble * b }.sum.toFloat) }
    .sorted
    .take(count)
}
