import org.apache.spark.ml.Pipeline
import org.apache.spark.sql.SparkSession

import sparkvision.ml.{ImageAssembler, ViTForImageClassification}

/** Labels the pictures below a folder with the model that ships inside the jar, and prints a line for each. */
object LabelPictures {
  def main(arguments: Array[String]): Unit = {
    val spark = SparkSession.builder.appName("LabelPictures").master("local[2]").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    val pictures = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(arguments.head)
    val vit = ViTForImageClassification.pretrained().setInputCols("image").setOutputCol("class")
    val model = new Pipeline().setStages(Array(new ImageAssembler(), vit)).fit(pictures)
    model.transform(pictures).selectExpr("path", "class.result[0]").orderBy("path").collect().foreach { row =>
      println(s"${row.getString(0)} ${row.getString(1)}")
    }
    spark.stop()
  }
}
