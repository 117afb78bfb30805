package example;

import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import sparkvision.ml.ImageAssembler;
import sparkvision.ml.ViTForImageClassification;

/** Labels the pictures below a folder with the model that ships inside the jar, and prints a line for each. */
public final class LabelPictures {
  private LabelPictures() {}

  public static void main(String[] arguments) {
    SparkSession spark = SparkSession.builder().appName("LabelPictures").master("local[2]").getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    Dataset<Row> pictures =
        spark.read().format("binaryFile").option("recursiveFileLookup", "true").load(arguments[0]);

    // Java sees Scala's generic result as its bound.
    ViTForImageClassification vit = (ViTForImageClassification) ViTForImageClassification.pretrained();
    vit.setInputCols(new String[] {"image"});
    vit.setOutputCol("class");
    PipelineModel model =
        new Pipeline().setStages(new PipelineStage[] {new ImageAssembler(), vit}).fit(pictures);

    for (Row row :
        model.transform(pictures).selectExpr("path", "class.result[0]").orderBy("path").collectAsList()) {
      System.out.println(row.getString(0) + " " + row.getString(1));
    }
    spark.stop();
  }
}
