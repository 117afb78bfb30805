package sparkvision.ml.column

import java.io.IOException
import java.net.URI

import org.apache.hadoop.fs.{FSDataInputStream, Path => HadoopPath, RawLocalFileSystem}
import org.apache.spark.SparkException
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.functions._
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException
import sparkvision.ml.{ImageAssembler, LocalSpark, ViTForImageClassification}

class ImageColumnSpec extends AnyFunSuite with LocalSpark {
  private lazy val folder = LocalSpark.fixtures.resolve("digits/3").toString
  private def files: DataFrame = spark.read.format("binaryFile").load(folder)

  private def logits(input: DataFrame, column: String): Map[String, Vector] =
    ViTForImageClassification
      .pretrained()
      .setInputCols(column)
      .setOriginCol("name")
      .setOutputCol("class")
      .setRawPredictionCol("logits")
      .transform(input)
      .select(element_at(col("class"), 1)("metadata")("origin"), col("logits"))
      .collect()
      .map(row => row.getString(0) -> row.getAs[Vector](1))
      .toMap

  private lazy val expected = logits(files.select(col("content"), col("path").as("name")), "content")

  test("a binaryFile struct gives the same results as its bytes") {
    val input = files.select(struct(col("*")).as("file"), col("path").as("name"))
    assert(logits(input, "file") == expected)
  }

  test("paths are read through Hadoop and give the same results as the bytes") {
    assert(logits(files.select(col("path"), col("path").as("name")), "path") == expected)
  }

  test("a failure of the storage fails the task, and is not reported for an image") {
    spark.sparkContext.hadoopConfiguration.set("fs.unavailable.impl", classOf[UnavailableFileSystem].getName)
    val input = files.select(regexp_replace(col("path"), "^file:", "unavailable:").as("path"), col("path").as("name"))
    val failure = intercept[SparkException](logits(input, "path"))
    assert(failure.getMessage.contains("503 Slow Down"))
  }

  test("Spark's image source gives the same results as the encoded bytes") {
    val input = spark.read.format("image").load(folder).select(col("image"), col("image.origin").as("name"))
    // That source writes its paths with more slashes than binaryFile does.
    def byFile(found: Map[String, Vector]) = found.map { case (name, logits) => new HadoopPath(name).getName -> logits }
    assert(byFile(logits(input, "image")) == byFile(expected))
  }

  test("encoded and decoded image annotations give the same results as the bytes") {
    Seq(false, true).foreach { decode =>
      val input = new ImageAssembler().setDecode(decode).transform(files.withColumn("name", col("path")))
      assert(logits(input, "image") == expected, s"decode=$decode")
    }
  }

  test("ImageAssembler keeps the row of a bad image with the reason") {
    val assembled = new ImageAssembler().setDecode(true).transform(mixed)
    val vit = ViTForImageClassification.pretrained().setInputCols("image").setErrorCol("error")
    val rows = vit.transform(assembled).select("path", "error").collect()
    val bad = rows.filter(!_.isNullAt(1)).map(_.getString(0)).toSeq
    assert(bad == Seq("broken.png", "nothing.png"))
  }

  test("ImageAssembler reports the size and format of an image without decoding it") {
    val image = new ImageAssembler().transform(mixed).select("image").head().getSeq[org.apache.spark.sql.Row](0).head
    assert(image.getAs[Int]("height") == 32 && image.getAs[Int]("width") == 32 && image.getAs[Int]("mode") == -1)
    assert(image.getAs[String]("origin") == LocalSpark.someDigits(1).head._1)
    assert(image.getAs[scala.collection.Map[String, String]]("metadata")("format") == "PNG")
  }

  test("a path of a missing file is the reason of its row") {
    val input = spark.createDataFrame(Seq(Tuple1("/no/such/image.png"))).toDF("path")
    val vit = ViTForImageClassification.pretrained().setInputCols("path").setErrorCol("error")
    assert(vit.transform(input).head().getAs[String]("error").contains("/no/such/image.png"))
  }

  test("an image's name comes from originCol, or else from the image, or else from the column path") {
    def origins(stage: ImageAssembler, input: DataFrame) = {
      val vit = ViTForImageClassification.pretrained().setInputCols("image").setOutputCol("class")
      val labelled = vit.transform(stage.transform(input.limit(1)))
      labelled.select(element_at(col("class"), 1)("metadata")("origin")).head().getString(0)
    }
    val input = files.withColumn("name", lit("named")).withColumn("path", lit("the path"))
    assert(origins(new ImageAssembler().setOriginCol("name"), input) == "named")
    assert(origins(new ImageAssembler(), input) == "the path")
    val nested = input.withColumn("content", struct(lit("its own").as("path"), col("content")))
    assert(origins(new ImageAssembler(), nested) == "its own")
  }

  test("columns are found as Spark finds them, whatever their case") {
    val input = files.select(col("content"), col("path").as("name"))
    assert(logits(input, "CONTENT") == expected)
  }

  test("two columns of the image's name are refused, two of another name are kept") {
    val twice = files.select(col("content"), col("path").as("name"), lit(1).as("x"), lit(2).as("x"))
    val vit = ViTForImageClassification.pretrained().setInputCols("content").setPredictionCol("prediction")
    assert(vit.transform(twice).columns.toSeq == Seq("content", "name", "x", "x", "prediction"))
    assert(vit.transform(twice).head().toSeq.slice(2, 4) == Seq(1, 2))
    val ambiguous = files.select(col("content"), col("content"))
    assert(intercept[ParameterException](vit.transform(ambiguous)).getMessage.contains("2 columns 'content'"))
  }
}

/** A disk that fails like an object store with too many requests. */
final class UnavailableFileSystem extends RawLocalFileSystem {
  override def getUri: URI = URI.create("unavailable:///")
  override def getScheme: String = "unavailable"
  override def open(file: HadoopPath, bufferSize: Int): FSDataInputStream = throw new IOException("503 Slow Down")
}
