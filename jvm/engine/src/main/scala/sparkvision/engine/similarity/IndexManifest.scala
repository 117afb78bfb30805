package sparkvision.engine.similarity

import scala.collection.immutable.SortedMap
import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.core.JsonProcessingException
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.engine.bundle.FileDigest

/** A part of an index: the vectors of one partition.
  *
  * @param folder
  *   relative to the index
  * @param vectors
  *   number of vectors
  * @param files
  *   by their path relative to the folder
  */
final private[sparkvision] case class IndexShard(folder: String, vectors: Int, files: SortedMap[String, FileDigest])

/** The content of `sparkvision-index.json`, which the builder of an index writes and searches read. It is written last, so an
  * index that has this file is complete.
  *
  * @param build
  *   identifies one build of the index
  * @param previous
  *   the build that this one replaced
  * @param leftOut
  *   rows that had no usable vector or no id
  * @param graph
  *   how the graphs of neighbours were built; without graphs, only [[SearchMethod.Exact]] is possible
  * @param version
  *   the version of SparkVision that built the index
  */
final private[sparkvision] case class IndexManifest(
    build: String,
    previous: Option[String],
    dimension: Int,
    leftOut: Long,
    graph: Option[HnswSettings],
    shards: Seq[IndexShard],
    version: String
) {
  def vectors: Long = shards.map(_.vectors.toLong).sum

  def methods: Seq[SearchMethod] = SearchMethod.Exact +: graph.map(_ => SearchMethod.Approximate).toSeq

  /** The files that a search method reads. */
  def filesOf(method: SearchMethod): Seq[(String, FileDigest)] = for {
    shard <- shards
    (name, digest) <- shard.files
    if IndexManifest.reads(method, name)
  } yield s"${shard.folder}/$name" -> digest

  def toJson: String = {
    val root = IndexManifest.mapper.createObjectNode()
    root.put("schemaVersion", IndexManifest.SchemaVersion).put("sparkvision", version).put("build", build)
    previous.foreach(root.put("previous", _))
    root.put("metric", IndexManifest.Metric).put("dimension", dimension).put("vectors", vectors).put("leftOut", leftOut)
    val names = root.putArray("methods")
    methods.foreach(method => names.add(method.name))
    graph.foreach(g => root.putObject("hnsw").put("m", g.m).put("efConstruction", g.efConstruction))
    val list = root.putArray("shards")
    shards.foreach { shard =>
      val node = list.addObject().put("folder", shard.folder).put("vectors", shard.vectors)
      val files = node.putObject("files")
      shard.files.foreach { case (name, file) =>
        files.putObject(name).put("sha256", file.sha256).put("size", file.size)
      }
    }
    IndexManifest.mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root)
  }
}

private[sparkvision] object IndexManifest {
  val FileName = "sparkvision-index.json"
  private val SchemaVersion = 1
  private val Metric = "cosine"
  private val mapper = new ObjectMapper

  private def reads(method: SearchMethod, name: String): Boolean = method match {
    case SearchMethod.Exact => !name.startsWith(s"${ShardWriter.Graph}/")
    case SearchMethod.Approximate => name != ShardWriter.Vectors
  }

  /** @param where
    *   the location of the index, for messages
    * @throws SimilarityIndexException
    *   when the text is not a manifest of this version, or names a file outside the index
    */
  def parse(json: String, where: String): IndexManifest = {
    val root =
      try mapper.readTree(json)
      catch { case e: JsonProcessingException => throw invalid(where, s"is not JSON (${e.getOriginalMessage})") }
    def node(parent: JsonNode, key: String): JsonNode =
      if (parent.hasNonNull(key)) parent.get(key) else throw invalid(where, s"has no '$key'")
    val schema = node(root, "schemaVersion").asInt
    if (schema != SchemaVersion)
      throw invalid(where, s"has schemaVersion $schema, and this version of SparkVision reads $SchemaVersion")
    if (node(root, "metric").asText != Metric)
      throw invalid(where, s"has the metric '${root.get("metric").asText}', and the only one is $Metric")
    val manifest = IndexManifest(
      inside(node(root, "build").asText, where),
      Option.when(root.hasNonNull("previous"))(inside(root.get("previous").asText, where)),
      node(root, "dimension").asInt,
      node(root, "leftOut").asLong,
      Option.when(root.has("hnsw"))(
        HnswSettings(node(root.get("hnsw"), "m").asInt, node(root.get("hnsw"), "efConstruction").asInt)
      ),
      node(root, "shards").elements.asScala.map { shard =>
        val folder = inside(node(shard, "folder").asText, where)
        val files = node(shard, "files").fields.asScala.map { file =>
          val digest = FileDigest(node(file.getValue, "sha256").asText, node(file.getValue, "size").asLong)
          inside(file.getKey, where) -> digest
        }
        IndexShard(folder, node(shard, "vectors").asInt, SortedMap.from(files))
      }.toSeq,
      node(root, "sparkvision").asText
    )
    requireSizes(manifest, where)
    manifest
  }

  /** A search relies on the number of vectors and ids in the manifest, and would otherwise read beyond the end of the files. */
  private def requireSizes(manifest: IndexManifest, where: String): Unit = {
    if (manifest.dimension < 1) throw invalid(where, s"has the dimension ${manifest.dimension}")
    for {
      shard <- manifest.shards
      (name, bytesEach) <- Seq(ShardWriter.Vectors -> BigInt(manifest.dimension) * 4, ShardWriter.IdEnds -> BigInt(4))
    } {
      val found = shard.files.get(name).fold(0L)(_.size)
      if (shard.vectors < 1 || bytesEach * shard.vectors != found)
        throw invalid(where, s"says that ${shard.folder} has ${shard.vectors} vectors, and $found bytes of $name")
    }
  }

  /** An index is untrusted input: the files that it names are copied, so they must be inside the index. */
  private def inside(name: String, where: String): String = {
    if (!name.split("/", -1).forall(_.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")))
      throw invalid(where, s"names '$name', which is not a file inside the index")
    name
  }

  private def invalid(where: String, problem: String) = new SimilarityIndexException(
    s"$FileName of the similarity index $where $problem. Build the index again with SimilarImages.build."
  )
}
