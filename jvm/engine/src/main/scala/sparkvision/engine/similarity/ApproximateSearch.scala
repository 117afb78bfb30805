package sparkvision.engine.similarity

import java.nio.file.Path

/** Searches the graph of neighbours of every shard, and merges the results. */
final private[similarity] class ApproximateSearch(folder: Path, manifest: IndexManifest) extends SimilarityIndex {

  private val ids = manifest.shards.map(IdFile.of(folder, _))
  private val graphs = manifest.shards.foldLeft(Seq.empty[HnswGraph]) { (opened, shard) =>
    try opened :+ new HnswGraph(folder.resolve(shard.folder).resolve(ShardWriter.Graph), shard.vectors)
    catch {
      case e: Throwable =>
        opened.foreach(_.close())
        throw e
    }
  }

  override def search(
      queries: IndexedSeq[Array[Float]],
      count: Int,
      settings: SearchSettings
  ): IndexedSeq[Seq[Neighbour]] =
    queries.map { query =>
      val found = for {
        (graph, names) <- graphs.zip(ids)
        (row, score) <- graph.search(query, count, math.max(settings.ef, count))
      } yield Neighbour(names(row), score)
      found.sorted.take(count)
    }

  override def close(): Unit = graphs.foreach(_.close())
}
