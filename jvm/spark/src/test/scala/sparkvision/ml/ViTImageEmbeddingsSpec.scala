package sparkvision.ml

import org.apache.spark.ml.Pipeline
import org.apache.spark.ml.attribute.AttributeGroup
import org.apache.spark.ml.classification.LogisticRegression
import org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator
import org.apache.spark.ml.linalg.{Vector, Vectors}
import org.apache.spark.sql.functions._
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.ParameterException

class ViTImageEmbeddingsSpec extends AnyFunSuite with LocalSpark {
  private lazy val bundle = Bundles.features().toString

  private def stage: ViTImageEmbeddings =
    ViTImageEmbeddings.loadSavedModel(bundle, spark).setInputCols("content").setEmbeddingsCol("features")

  test("every row comes back once, in order, with its embedding or its reason") {
    val rows = stage.setOutputCol("embeddings").setErrorCol("error").transform(mixed).collect()
    assert(rows.map(_.getAs[String]("path")).toSeq == mixed.select("path").collect().map(_.getString(0)).toSeq)
    assert(rows.map(_.getAs[Vector]("features") != null).toSeq == Seq(true, true, false, true, true, false))
    assert(rows.map(r => r.getSeq[Any](r.fieldIndex("embeddings")).size).toSeq == Seq(1, 1, 0, 1, 1, 0))
    assert(rows.map(_.getAs[String]("error") == null).toSeq == Seq(true, true, false, true, true, false))
  }

  test("the annotation holds the vector's numbers, and the image's facts") {
    val row = stage.setOutputCol("embeddings").transform(mixed).head()
    val annotation = row.getSeq[org.apache.spark.sql.Row](row.fieldIndex("embeddings")).head
    assert(annotation.getAs[String]("annotatorType") == "image_embeddings")
    val numbers = annotation.getSeq[Float](annotation.fieldIndex("embeddings"))
    assert(numbers.map(_.toDouble) == row.getAs[Vector]("features").toArray.toSeq)
    val metadata = annotation.getAs[scala.collection.Map[String, String]]("metadata")
    assert(metadata("origin") == LocalSpark.someDigits(1).head._1 && metadata("width") == "32")
  }

  test("the vector's size is in its metadata") {
    val schema = stage.transformSchema(mixed.schema)
    assert(AttributeGroup.fromStructField(schema("features")).size == 80)
    assert(stage.transform(mixed).schema("features").metadata == schema("features").metadata)
  }

  test("normalised embeddings have length 1 and the direction of the others") {
    def first(normalize: Boolean) =
      stage.setPooling("mean").setNormalize(normalize).transform(mixed).head().getAs[Vector]("features")
    val (plain, normalized) = (first(normalize = false), first(normalize = true))
    val length = Vectors.norm(plain, 2)
    assert(math.abs(length - 1) > 0.1 && math.abs(Vectors.norm(normalized, 2) - 1) < 1e-6)
    plain.toArray.zip(normalized.toArray).foreach { case (a, b) => assert(math.abs(a / length - b) < 1e-6) }
  }

  test("stages that differ in pooling alone share one session") {
    val before = ExecutorRuntime.ofThisProcess.sessions.openedCount
    Seq("cls", "mean", "pooler").foreach(stage.setIntraOpThreads(4).setPooling(_).transform(mixed).collect())
    assert(ExecutorRuntime.ofThisProcess.sessions.openedCount == before + 1)
  }

  test("a LogisticRegression learns the digits from their embeddings") {
    val labelled = digits.withColumn("label", element_at(split(col("path"), "/"), -2).cast("double"))
    val pipeline = new Pipeline().setStages(Array(stage, new LogisticRegression().setRegParam(0.01).setMaxIter(10)))
    val halves = labelled.randomSplit(Array(0.5, 0.5), seed = 1)
    val accuracy = new MulticlassClassificationEvaluator()
      .setMetricName("accuracy")
      .evaluate(pipeline.fit(halves.head).transform(halves.last))
    info(f"accuracy $accuracy%.4f")
    assert(accuracy >= 0.95)
  }

  test("a saved stage comes back with its model and its settings") {
    val folder = temporaryFolder().resolve("stage").toString
    stage.setPooling("mean").setNormalize(true).write.save(folder)
    val loaded = ViTImageEmbeddings.load(folder)
    assert(loaded.getPooling == "mean" && loaded.getNormalize)
    assert(loaded.transform(mixed).head().getAs[Vector]("features").size == 80)
  }

  test("a classification bundle is referred to its stage, and to the export of features") {
    val message = intercept[BundleException](ViTImageEmbeddings.loadSavedModel("embedded:digits", spark)).getMessage
    assert(message.contains("ViTForImageClassification") && message.contains("--task feature-extraction"))
  }

  test("an unknown pooling is refused") {
    intercept[IllegalArgumentException](stage.setPooling("max"))
  }

  test("a stage that would add no column is refused, naming the possible columns") {
    val silent = ViTImageEmbeddings.loadSavedModel(bundle, spark).setInputCols("content")
    assert(
      intercept[ParameterException](silent.transform(mixed)).getMessage.contains("outputCol, embeddingsCol, errorCol")
    )
  }
}
