package sparkvision.ml

import java.nio.file.Files

import org.apache.spark.ml.linalg.Vector
import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.functions._
import org.scalatest.funsuite.AnyFunSuite

class PictureColumnSpec extends AnyFunSuite with LocalSpark {
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

  test("a binaryFile struct gives what its bytes give") {
    val input = files.select(struct(col("*")).as("file"), col("path").as("name"))
    assert(logits(input, "file") == expected)
  }

  test("paths are read through Hadoop and give what the bytes give") {
    assert(logits(files.select(col("path"), col("path").as("name")), "path") == expected)
  }

  test("Spark's image source gives what the encoded bytes give") {
    val input = spark.read.format("image").load(folder).select(col("image"), col("image.origin").as("name"))
    assert(logits(input, "image").map { case (name, v) =>
      Files.exists(java.nio.file.Path.of(java.net.URI.create(name))) -> v
    }.size == 1)
    assert(logits(input, "image").values.map(_.toArray.toSeq).toSet == expected.values.map(_.toArray.toSeq).toSet)
  }

  test("image annotations, encoded and decoded, give what the bytes give") {
    Seq(false, true).foreach { decode =>
      val input = new ImageAssembler().setDecode(decode).transform(files.withColumn("name", col("path")))
      assert(logits(input, "image") == expected, s"decode=$decode")
    }
  }

  test("ImageAssembler keeps a bad picture's row and hands its reason on") {
    val assembled = new ImageAssembler().setDecode(true).transform(mixed)
    val vit = ViTForImageClassification.pretrained().setInputCols("image").setErrorCol("error")
    val rows = vit.transform(assembled).select("path", "error").collect()
    val bad = rows.filter(!_.isNullAt(1)).map(_.getString(0)).toSeq
    assert(bad == Seq("broken.png", "nothing.png"))
  }

  test("ImageAssembler says what it knows of a picture without decoding it") {
    val image = new ImageAssembler().transform(mixed).select("image").head().getSeq[org.apache.spark.sql.Row](0).head
    assert(image.getAs[Int]("height") == 32 && image.getAs[Int]("width") == 32 && image.getAs[Int]("mode") == -1)
    assert(image.getAs[String]("origin") == LocalSpark.someDigits(1).head._1)
    assert(image.getAs[scala.collection.Map[String, String]]("metadata")("format") == "PNG")
  }

  test("a path that leads nowhere is that row's reason") {
    val input = spark.createDataFrame(Seq(Tuple1("/no/such/picture.png"))).toDF("path")
    val vit = ViTForImageClassification.pretrained().setInputCols("path").setErrorCol("error")
    assert(vit.transform(input).head().getAs[String]("error").contains("/no/such/picture.png"))
  }
}
