package sparkvision.ml

import java.lang.management.ManagementFactory
import java.nio.file.{Files, Path}

import scala.jdk.CollectionConverters._

import org.apache.spark.ml.{Pipeline, PipelineModel}
import org.apache.spark.sql.functions.{col, element_at}
import org.apache.spark.sql.{DataFrame, SparkSession}

/** A Spark application as a Scala team would write it, with no Python: it fits and saves a Pipeline, or loads one. */
object PipelineApplication {

  /** Loads the Pipeline saved at the first argument and writes its rows into the file named by the second. Where it runs,
    * whoever starts it says.
    */
  def main(arguments: Array[String]): Unit = {
    val spark = SparkSession.builder().getOrCreate()
    Files.write(Path.of(arguments(1)), rows(PipelineModel.load(arguments(0)).transform(images(spark))).asJava)
    spark.stop()
  }

  /** Fits and saves a Pipeline, and returns its rows. */
  def save(spark: SparkSession, path: String): Seq[String] = {
    val vit = ViTForImageClassification.pretrained().setInputCols("image").setOutputCol("class").setTopK(2)
    val model = new Pipeline().setStages(Array(new ImageAssembler(), vit)).fit(images(spark))
    model.write.overwrite().save(path)
    rows(model.transform(images(spark)))
  }

  private def images(spark: SparkSession): DataFrame =
    spark.read.format("binaryFile").load(LocalSpark.fixtures.resolve("digits/5").toString)

  private def rows(labelled: DataFrame): Seq[String] = labelled
    .select(col("path"), col("class.result"), element_at(col("class"), 1)("metadata"))
    .orderBy("path")
    .collect()
    .toSeq
    .map(row => s"${row.getString(0)} ${row.getSeq[String](1)} ${row.getMap[String, String](2).toSeq.sorted}")

  /** The options that Spark needs on Java 17, from this JVM. */
  def javaOptions: Seq[String] =
    ManagementFactory.getRuntimeMXBean.getInputArguments.asScala.toSeq
      .filter(_.startsWith("--add-opens"))
}
