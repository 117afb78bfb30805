package sparkvision.ml

import scala.util.Random

import org.apache.spark.sql.functions.expr
import org.apache.spark.sql.{DataFrame, Row}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException

class ImageDeduplicatorSpec extends AnyFunSuite with LocalSpark {
  private val random = new Random(11)

  private def table(rows: Seq[(String, Option[Long])]): DataFrame = spark.createDataFrame(rows).toDF("id", "hash")

  private def deduplicator = new ImageDeduplicator().setIdCol("id").setHashCol("hash")

  /** The sets of ids of each group. */
  private def groups(result: DataFrame): Set[Set[String]] =
    result
      .select("id", "group")
      .collect()
      .toSeq
      .map(row => row.getString(1) -> row.getString(0))
      .groupMap(_._1)(_._2)
      .values
      .map(_.toSet)
      .toSet

  /** The hash with a number of its bits flipped. */
  private def changed(hash: Long, bits: Int): Long =
    random.shuffle((0 until 64).toList).take(bits).foldLeft(hash)((all, i) => all ^ 1L << i)

  test("hashes within the distance, directly or through others, are one group") {
    val hash = 0x0123456789abcdefL
    val rows = Seq("a" -> hash, "b" -> (hash ^ 0xfL), "c" -> (hash ^ 0xffL), "d" -> (hash ^ 0x1f00L), "e" -> hash)
    val result = deduplicator.setMaxHashDistance(4).transform(table(rows.map { case (id, bits) => id -> Some(bits) }))
    assert(groups(result) == Set(Set("a", "b", "c", "e"), Set("d")))
  }

  test("every row is kept with its columns, and a row without a hash is a group of its own") {
    val rows = Seq("a" -> Some(1L), "b" -> None, "c" -> Some(1L), "d" -> None)
    val result = deduplicator.setMaxHashDistance(0).transform(table(rows)).orderBy("id").collect().toSeq
    assert(
      result == Seq(
        Row("a", 1L, "a", true),
        Row("b", null, "b", true),
        Row("c", 1L, "a", false),
        Row("d", null, "d", true)
      )
    )
  }

  test("a group's representative has the largest value of orderCol, or the smallest id among equal values") {
    val rows = Seq(("a", 1L, Some(10)), ("b", 1L, Some(30)), ("c", 1L, Some(30)), ("d", 1L, None))
    val result = deduplicator
      .setOrderCol("pixels")
      .setMaxHashDistance(0)
      .transform(spark.createDataFrame(rows).toDF("id", "hash", "pixels"))
    assert(result.where("representative").select("id").collect().toSeq == Seq(Row("b")))
    assert(result.select("group").distinct().collect().toSeq == Seq(Row("b")))
  }

  test("a hundred thousand hashes, half of them copies, are grouped with their originals") {
    val originals = IndexedSeq.fill(40000)(random.nextLong())
    val copies = (0 until 50000).map(i => changed(originals(i % originals.size), i % 5))
    val same = Seq.fill(10000)(originals.head)
    val hashes = random.shuffle((originals ++ copies).zipWithIndex.map { case (hash, i) =>
      (i % originals.size, hash)
    } ++ same.map(0 -> _))
    val rows = hashes.zipWithIndex.map { case ((original, hash), i) => (i, hash, original) }
    val images = spark.createDataFrame(spark.sparkContext.parallelize(rows, 2)).toDF("id", "hash", "original")
    val start = System.nanoTime
    val found = deduplicator.transform(images).select("group", "original").distinct().collect().toSeq
    info(f"${rows.size} rows in ${(System.nanoTime - start) / 1e9}%.1f s")
    // Copies differ from their original in at most 4 bits; unrelated random hashes are never so near.
    assert(found.size == originals.size)
  }

  test("embeddings with a large cosine, of which one is among the most similar of the other, are one group") {
    val images =
      embedded("a" -> (1.0, 0.0), "b" -> (2.0, 0.3), "c" -> (0.0, 1.0), "d" -> (1.0, 1.0), "e" -> (0.0, 0.0))
    val stage = new ImageDeduplicator().setIdCol("id").setEmbeddingsCol("features").setIndexPath(index(images))
    val found = groups(stage.setMinSimilarity(0.98).transform(images))
    assert(found == Set(Set("a", "b"), Set("c"), Set("d"), Set("e")))
  }

  test("either similarity makes duplicates, or both together do") {
    val images = embedded("a" -> (1.0, 0.0), "b" -> (1.0, 0.0), "c" -> (0.0, 1.0), "d" -> (0.0, 1.0))
      .withColumn("hash", expr("case id when 'a' then 0 when 'b' then 1 when 'c' then -1 else 3 end").cast("long"))
    val stage = deduplicator.setEmbeddingsCol("features").setIndexPath(index(images))
    assert(groups(stage.setMatching("either").transform(images)) == Set(Set("a", "b", "c", "d")))
    assert(groups(stage.setMatching("both").transform(images)) == Set(Set("a", "b"), Set("c"), Set("d")))
  }

  private def embedded(rows: (String, (Double, Double))*): DataFrame =
    spark.createDataFrame(rows.map { case (id, (x, y)) => id -> Array(x, y) }).toDF("id", "features")

  private def index(images: DataFrame): String = {
    val path = temporaryFolder().resolve("index").toString
    SimilarImages.build(images, path, idCol = "id").indexPath
  }

  test("a result that is cached may be joined with itself and filtered") {
    val result =
      deduplicator.setMaxHashDistance(0).transform(table(Seq("a" -> Some(1L), "b" -> Some(1L), "c" -> Some(-1L))))
    assert(result.cache().count() == 3)
    assert(result.as("x").join(result.as("y"), "group").count() == 5)
    assert(result.where("id = 'b'").select("group").collect().toSeq == Seq(Row("a")))
    result.unpersist()
  }

  test("transform and transformSchema run no job") {
    val images = table(Seq("a" -> Some(1L)))
    val jobs = spark.sparkContext.statusTracker.getJobIdsForGroup(null).length
    assert(deduplicator.transform(images).schema == deduplicator.transformSchema(images.schema))
    assert(spark.sparkContext.statusTracker.getJobIdsForGroup(null).length == jobs)
  }

  test("images are not compared in a broadcast, which has a timeout") {
    val plan = deduplicator.transform(table(Seq("a" -> Some(1L)))).queryExecution.executedPlan.toString
    assert(plan.contains("SortMergeJoin") && !plan.contains("Broadcast"), plan)
  }

  test("a session in which the extensions are installed runs the result of another session") {
    val images = table(Seq("a" -> Some(1L), "b" -> Some(1L)))
    deduplicator.setMaxHashDistance(0).transform(images).createGlobalTempView("grouped")
    val session = spark.newSession()
    SparkVisionExtensions.install(session)
    assert(session.table("global_temp.grouped").where("group = 'a'").count() == 2)
  }

  private def refusal(work: => Any): String = intercept[ParameterException](work).getMessage

  test("a streaming DataFrame is refused by name") {
    val stream = spark.readStream.format("rate").load().selectExpr("value as id", "value as hash")
    assert(refusal(deduplicator.transform(stream)).contains("foreachBatch"))
  }

  test("a null id or a repeated id is refused with the id") {
    assert(
      refusal(deduplicator.transform(table(Seq("a" -> None, "x" -> None, "x" -> Some(2L)))).collect()).contains("'x'")
    )
    assert(refusal(deduplicator.transform(table(Seq("a" -> None, (null: String) -> None))).collect()).contains("no id"))
  }

  test("missing columns and columns of a wrong type are refused by name") {
    val images = table(Seq("a" -> Some(1L)))
    assert(refusal(new ImageDeduplicator().setHashCol("hash").transform(images)).contains("idCol"))
    assert(refusal(new ImageDeduplicator().setIdCol("id").transform(images)).contains("hashCol, embeddingsCol"))
    val byEmbedding = new ImageDeduplicator().setIdCol("id").setEmbeddingsCol("features")
    assert(refusal(byEmbedding.transform(embedded("a" -> (1.0, 0.0)))).contains("setIndexPath"))
    assert(refusal(deduplicator.setHashCol("id").transform(images)).contains("must be bigint"))
    assert(
      refusal(deduplicator.setOrderCol("map").transform(images.selectExpr("*", "map(1, 2) map"))).contains("no order")
    )
    assert(refusal(deduplicator.setGroupCol("hash").transform(images)).contains("'hash' would be there twice"))
  }

  test("a saved stage loads with its Params") {
    val path = temporaryFolder().resolve("saved").toString
    deduplicator.setMaxHashDistance(7).write.save(path)
    val loaded = ImageDeduplicator.load(path)
    assert(loaded.getMaxHashDistance == 7 && loaded.getHashCol.contains("hash"))
  }
}
