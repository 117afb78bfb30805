package sparkvision.ml

import java.nio.file.attribute.FileTime
import java.nio.file.{Files, Path}
import java.time.{Duration, Instant}
import java.util.UUID

import scala.jdk.CollectionConverters._
import scala.util.{Random, Using}

import org.apache.spark.SparkException
import org.apache.spark.ml.linalg.{Vector, Vectors}
import org.apache.spark.sql.types.MetadataBuilder
import org.apache.spark.sql.{DataFrame, Row}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.similarity.SimilarityIndexException
import sparkvision.image.ParameterException
import sparkvision.ml.model.LakeFileSystem
import sparkvision.ml.similarity.IndexFolder

class SimilarImagesSpec extends AnyFunSuite with LocalSpark {
  private val dimension = 24

  /** Names, vectors, and a column that is not used, in eight partitions. */
  private lazy val catalogue: DataFrame = {
    val random = new Random(4)
    val rows =
      (0 until 600).map(n => (f"$n%03d.jpg", Vectors.dense(Array.fill(dimension)(random.nextGaussian())), "x" * 50))
    spark.createDataFrame(rows).toDF("path", "features", "content").repartition(8).cache()
  }
  private lazy val index = newPath()
  private lazy val built = SimilarImages.build(catalogue, index, method = "approximate", shards = 3)

  private def newPath(): String = temporaryFolder().resolve("index").toString

  private def stage: SimilarImages = new SimilarImages().setIndexPath(built.indexPath).setTopK(3)

  private def answers(found: DataFrame): Map[String, Seq[(String, Float)]] = found
    .collect()
    .map { row =>
      val similar = Option(row.getAs[scala.collection.Seq[Row]]("similar")).map(_.toSeq).getOrElse(Seq.empty)
      row.getAs[String]("path") -> similar.map(one => (one.getString(0), one.getFloat(1)))
    }
    .toMap

  /** An image, and each kind of vector that has no neighbours. */
  private def queries: DataFrame = {
    val good = catalogue.select("features").head().getAs[Vector](0)
    val bad = Seq(null, Vectors.dense(1, 2), Vectors.zeros(dimension), Vectors.dense(Array.fill(dimension)(Double.NaN)))
    val rows = (good +: bad :+ good).zipWithIndex.map { case (vector, number) => (number.toString, vector) }
    spark.createDataFrame(rows).toDF("path", "features").coalesce(1)
  }

  private def message(work: => Any): String = intercept[SparkException](work).getCause.getMessage

  test("every image of the index finds itself first, by either method") {
    Seq("exact", "approximate").foreach { method =>
      val found = answers(stage.setMethod(method).transform(catalogue))
      val first = found.count { case (path, similar) => similar.size == 3 && similar.head._1 == path }
      assert(found.size == 600 && first == 600, method)
    }
  }

  test("the result does not depend on the shards") {
    val other = newPath()
    SimilarImages.build(catalogue, other, shards = 1)
    assert(answers(stage.setIndexPath(other).transform(catalogue)) == answers(stage.transform(catalogue)))
  }

  test("the summary describes the index, which has one shard per partition") {
    assert(built.vectors == 600 && built.dimension == dimension && built.leftOut.isEmpty)
    val manifest = new IndexFolder(index, spark.sparkContext.hadoopConfiguration).read().manifest
    assert(manifest.shards.size == 3 && manifest.vectors == 600)
  }

  test("a vector that cannot be compared keeps its row, with the reason") {
    val rows = stage.setErrorCol("error").transform(queries).collect()
    assert(rows.map(_.getAs[String]("path")).toSeq == (0 until 6).map(_.toString))
    val reasons = rows.map(row => Option(row.getAs[String]("error")).getOrElse("")).toSeq
    Seq("", "null", "2 numbers", "zeros", "NaN", "").zip(reasons).foreach { case (part, reason) =>
      assert(reason.contains(part))
    }
    assert(rows.map(_.isNullAt(2)).toSeq == Seq(false, true, true, true, true, false))
  }

  test("unusable vectors and rows without an id are omitted from an index and counted") {
    val rows = queries.where("path != '2'").selectExpr("if(path = '5', null, path) path", "features")
    val summary = SimilarImages.build(rows, newPath())
    assert(summary.vectors == 1 && summary.leftOut.values.sum == 4 && summary.leftOut("the id is null") == 1)
  }

  test("a vector of another length fails the build, naming the image and both lengths") {
    val odd = spark.createDataFrame(Seq("odd.jpg" -> Vectors.dense(1, 2))).toDF("path", "features")
    val others = catalogue.select("path", "features").coalesce(1)
    val refused = Seq(others.union(odd), odd.union(others)).map { table =>
      intercept[SimilarityIndexException](SimilarImages.build(table, newPath())).getMessage
    }
    assert(refused.head.contains(s"'odd.jpg' has 2 numbers, but the index is made of $dimension"))
    assert(refused.last.matches(s"(?s).*'\\d+.jpg' has $dimension numbers, but the index is made of 2 .*"))
  }

  test("an empty array is omitted and does not determine the length of the vectors") {
    val empty = spark.createDataFrame(Seq("empty.jpg" -> Array.empty[Double])).toDF("path", "features")
    val usable = spark.createDataFrame(Seq("a.jpg" -> Array(1.0, 2.0))).toDF("path", "features")
    val summary = SimilarImages.build(empty.union(usable).coalesce(1), newPath())
    assert(summary.vectors == 1 && summary.dimension == 2 && summary.leftOut.values.sum == 1)
  }

  test("arrays of numbers are embeddings too") {
    val arrays = catalogue
      .selectExpr("path", "cast(null as array<float>) as features")
      .limit(1)
      .union(
        catalogue
          .select("path", "features")
          .as[(String, Vector)](spark.implicits.newProductEncoder)
          .map { case (path, vector) =>
            (path, vector.toArray.map(_.toFloat))
          }(spark.implicits.newProductEncoder)
          .toDF()
      )
    val summary = SimilarImages.build(arrays, newPath())
    assert(summary.vectors == 600 && summary.leftOut == Map("the vector is null" -> 1L))
  }

  test("columns that the query does not use are not read") {
    val folder = temporaryFolder().resolve("catalogue.parquet").toString
    catalogue.write.parquet(folder)
    val plan = stage.transform(spark.read.parquet(folder)).select("similar").queryExecution.executedPlan.toString
    assert("ReadSchema: (\\S+)".r.findFirstMatchIn(plan).get.group(1).startsWith("struct<features:"), plan)
  }

  test("the metadata of other columns is kept") {
    val noted = catalogue.withMetadata("path", new MetadataBuilder().putString("note", "mine").build())
    assert(stage.transform(noted).schema("path").metadata.getString("note") == "mine")
  }

  test("an index cannot be built from a stream") {
    val stream = spark.readStream.format("rate").load().selectExpr("cast(value as string) path", "array(1.0d) features")
    assert(intercept[ParameterException](SimilarImages.build(stream, newPath())).getMessage.contains("is a stream"))
  }

  test("an index is overwritten only with overwrite, and running queries finish with the old index") {
    val path = newPath()
    SimilarImages.build(catalogue, path)
    val before = stage.setIndexPath(path).transform(catalogue)
    assert(intercept[ParameterException](SimilarImages.build(catalogue, path)).getMessage.contains("overwrite"))
    SimilarImages.build(catalogue.where("path < '100.jpg'"), path, overwrite = true)
    assert(answers(before).size == 600)
    assert(answers(stage.setIndexPath(path).transform(catalogue)).values.flatten.forall(_._1 < "100.jpg"))
    SimilarImages.build(catalogue, path, overwrite = true)
    val builds =
      Using.resource(Files.list(Path.of(path)))(_.iterator.asScala.count(_.getFileName.toString.startsWith("build-")))
    assert(builds == 2)
  }

  test("the next build deletes shards that no manifest names, unless they are new") {
    val path = newPath()
    def shard(build: String) = Files.createFile(Files.createDirectories(Path.of(path, s"build-$build")).resolve("file"))
    val (abandoned, running) = (shard(UUID.randomUUID.toString), shard(UUID.randomUUID.toString))
    Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now.minus(Duration.ofDays(2))))
    SimilarImages.build(catalogue, path)
    SimilarImages.build(catalogue, path, overwrite = true)
    assert(!Files.exists(abandoned.getParent) && Files.exists(running))
    assert(answers(stage.setIndexPath(path).transform(catalogue)).size == 600)
  }

  test("a file, or a folder with other files, is refused and left unchanged, even with overwrite") {
    val folder = temporaryFolder()
    val photo = Files.createFile(Files.createDirectories(folder.resolve("build-site")).resolve("photo.jpg"))
    Seq(folder, photo).foreach { place =>
      Seq(false, true).foreach { overwrite =>
        val refused =
          intercept[ParameterException](SimilarImages.build(catalogue, place.toString, overwrite = overwrite))
        assert(refused.getMessage.contains("Name a") && refused.getMessage.contains(place.toString))
      }
    }
    assert(Files.exists(photo) && Files.list(folder).count == 1)
  }

  test("other files beside an index are kept, even if their names resemble a build's folder") {
    val path = newPath()
    SimilarImages.build(catalogue, path)
    val photo = Files.createFile(Files.createDirectories(Path.of(path, "build-site")).resolve("photo.jpg"))
    Files.setLastModifiedTime(photo, FileTime.from(Instant.now.minus(Duration.ofDays(2))))
    SimilarImages.build(catalogue, path, overwrite = true)
    assert(Files.exists(photo))
  }

  test("a failed build leaves no files") {
    val path = newPath()
    val failing = catalogue.selectExpr("path", "if(path = '300.jpg', raise_error('stop'), features) as features")
    assert(intercept[Exception](SimilarImages.build(failing, path)).getMessage.contains("stop"))
    assert(Files.list(Path.of(path)).count == 0)
    assert(intercept[SimilarityIndexException](stage.setIndexPath(path).transform(catalogue)).getMessage.contains(path))
  }

  test("an index in a folder that does not exist is a wrong parameter") {
    val refused = intercept[ParameterException](stage.setIndexPath("/no/such/index").transform(catalogue))
    assert(refused.getMessage.contains("/no/such/index (there is no such folder)"))
  }

  test("a build whose manifest cannot be written leaves no files") {
    val path = newPath()
    // A folder in its place, that is not empty.
    Files.createDirectories(Path.of(path, "sparkvision-index.json", "x"))
    val refused = intercept[SimilarityIndexException](SimilarImages.build(catalogue, path, overwrite = true))
    assert(refused.getMessage.contains("cannot be written"))
    assert(Using.resource(Files.list(Path.of(path)))(_.count) == 1)
  }

  test("no index is built from a table without a usable vector") {
    val nothing = queries.where("path = '1'")
    assert(
      intercept[SimilarityIndexException](SimilarImages.build(nothing, newPath())).getMessage.contains("'features'")
    )
  }

  test("an approximate search of an index without graphs is refused with the remedy") {
    val path = newPath()
    SimilarImages.build(catalogue, path)
    val refused =
      intercept[SimilarityIndexException](stage.setIndexPath(path).setMethod("approximate").transform(catalogue))
    assert(refused.getMessage.contains("built for exact search alone"))
  }

  test("a damaged index is refused, naming the file, and can be rebuilt") {
    val path = newPath()
    SimilarImages.build(catalogue, path)
    val vectors = Files.walk(Path.of(path)).filter(_.endsWith("vectors.f32")).findFirst.get
    Files.deleteIfExists(vectors.resolveSibling(".vectors.f32.crc")) // else Hadoop's own checksum would tell
    val bytes = Files.readAllBytes(vectors)
    bytes(5) = (bytes(5) ^ 1).toByte
    Files.write(vectors, bytes)
    val refused = message(stage.setIndexPath(path).transform(catalogue).collect())
    assert(refused.contains("damaged") && refused.contains("vectors.f32"))
    Files.writeString(Path.of(path, "sparkvision-index.json"), "{")
    SimilarImages.build(catalogue, path, overwrite = true)
    assert(answers(stage.setIndexPath(path).transform(catalogue)).size == 600)
  }

  test("an index can be on any file system that Hadoop reads, including one without atomic renames") {
    spark.sparkContext.hadoopConfiguration.set("fs.lake.impl", classOf[LakeFileSystem].getName)
    val path = s"lake:${newPath()}"
    SimilarImages.build(catalogue, path)
    val summary = SimilarImages.build(catalogue, path, overwrite = true)
    assert(summary.indexPath.startsWith("lake:/"))
    assert(answers(stage.setIndexPath(path).transform(queries)) == answers(stage.transform(queries)))
  }

  test("a saved stage loads with its Params and finds the same images") {
    val path = temporaryFolder().resolve("stage").toString
    stage.setMethod("approximate").setEfSearch(50).write.save(path)
    val loaded = SimilarImages.load(path)
    assert(loaded.getEfSearch == 50 && loaded.getMethod == "approximate")
    assert(
      answers(loaded.transform(queries)) == answers(stage.setMethod("approximate").setEfSearch(50).transform(queries))
    )
  }
}
