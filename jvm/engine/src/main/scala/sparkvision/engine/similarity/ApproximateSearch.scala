package sparkvision.engine.similarity

import java.nio.file.Path

/** Walks through every shard's graph of neighbours, and merges what it finds. */
final private[similarity] class ApproximateSearch(folder: Path, manifest: IndexManifest) extends SimilarityIndex {

  private val shards = manifest.shards.map { shard =>
    (new HnswGraph(folder.resolve(shard.folder).resolve(ShardWriter.Graph), shard.vectors), IdFile.of(folder, shard))
  }

  override def search(
      queries: IndexedSeq[Array[Float]],
      count: Int,
      settings: SearchSettings
  ): IndexedSeq[Seq[Neighbour]] =
    queries.map { query =>
      val found = for {
        (graph, ids) <- shards
        (row, score) <- graph.search(query, count, math.max(settings.ef, count))
      } yield Neighbour(ids(row), score)
      found.sorted.take(count)
    }

  override def close(): Unit = shards.foreach { case (graph, _) => graph.close() }
}
