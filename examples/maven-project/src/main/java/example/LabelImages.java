package example;

import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import sparkvision.ml.ImageAssembler;
import sparkvision.ml.ViTForImageClassification;

/** Labels the images in a folder with the embedded model, and prints one line per image. */
public final class LabelImages {
  private LabelImages() {}

  public static void main(String[] arguments) {
    SparkSession spark = SparkSession.builder().appName("LabelImages").master("local[2]").getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    Dataset<Row> images =
        spark.read().format("binaryFile").option("recursiveFileLookup", "true").load(arguments[0]);

    // The generic result type of the Scala method is its upper bound in Java.
    ViTForImageClassification vit = (ViTForImageClassification) ViTForImageClassification.pretrained();
    vit.setInputCols(new String[] {"image"});
    vit.setOutputCol("class");
    PipelineModel model =
        new Pipeline().setStages(new PipelineStage[] {new ImageAssembler(), vit}).fit(images);

    for (Row row :
        model.transform(images).selectExpr("path", "class.result[0]").orderBy("path").collectAsList()) {
      System.out.println(row.getString(0) + " " + row.getString(1));
    }
    spark.stop();
  }
}
