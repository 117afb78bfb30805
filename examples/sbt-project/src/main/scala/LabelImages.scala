import org.apache.spark.ml.Pipeline
import org.apache.spark.sql.SparkSession

import sparkvision.ml.{ImageAssembler, ViTForImageClassification}

/** Labels the images in a folder with the embedded model, and prints one line per image. */
object LabelImages {
  def main(arguments: Array[String]): Unit = {
    val spark = SparkSession.builder.appName("LabelImages").master("local[2]").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    val images = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(arguments.head)
    val vit = ViTForImageClassification.pretrained().setInputCols("image").setOutputCol("class")
    val model = new Pipeline().setStages(Array(new ImageAssembler(), vit)).fit(images)
    model.transform(images).selectExpr("path", "class.result[0]").orderBy("path").collect().foreach { row =>
      println(s"${row.getString(0)} ${row.getString(1)}")
    }
    spark.stop()
  }
}
