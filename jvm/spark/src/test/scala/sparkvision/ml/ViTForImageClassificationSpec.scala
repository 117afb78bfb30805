package sparkvision.ml

import org.apache.spark.SparkException
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.MetadataBuilder
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.{ParameterException, ProcessorException}
import sparkvision.ml.model.ModelDistributor

class ViTForImageClassificationSpec extends AnyFunSuite with LocalSpark {

  private def vit: ViTForImageClassification =
    ViTForImageClassification.loadSavedModel("embedded:digits", spark).setInputCols("content").setOutputCol("class")

  private def refusal(stage: ViTForImageClassification): String =
    intercept[ParameterException](stage.transform(mixed)).getMessage

  test("the whole pipeline labels at least 97 % of the held-out digits correctly") {
    val truth = element_at(split(col("path"), "/"), -2)
    val right = vit.transform(digits).withColumn("right", element_at(col("class.result"), 1) === truth)
    val accuracy = right.agg(avg(col("right").cast("double"))).head().getDouble(0)
    info(f"accuracy $accuracy%.4f")
    assert(accuracy >= 0.97)
  }

  test("every row comes back once, in order, with its own result or its own reason") {
    val rows = vit.setErrorCol("error").transform(mixed).select("path", "class.result", "error").collect()
    assert(rows.map(_.getString(0)).toSeq == mixed.select("path").collect().map(_.getString(0)).toSeq)
    assert(rows.map(_.getSeq[String](1).size).toSeq == Seq(1, 1, 0, 1, 1, 0))
    assert(rows.map(_.isNullAt(2)).toSeq == Seq(true, true, false, true, true, false))
    assert(rows(5).getString(2).contains("null"))
  }

  test("a bad image does not change its neighbours' logits") {
    val stage = vit.setRawPredictionCol("logits")
    def logits(keep: String) =
      stage.transform(mixed.where(keep)).select("path", "logits").collect().map(r => r.getString(0) -> r.get(1)).toMap
    val alone = logits("path not in ('broken.png', 'nothing.png')")
    alone.foreach { case (path, expected) => assert(logits("true")(path) == expected) }
  }

  test("DROPMALFORMED drops the rows of bad images") {
    assert(vit.setBadImageMode("DROPMALFORMED").transform(mixed).count() == 4)
  }

  test("FAILFAST fails the job, naming the image and the reason") {
    val error = intercept[SparkException](vit.setBadImageMode("FAILFAST").transform(mixed).collect())
    assert(error.getMessage.contains("broken.png") && error.getMessage.contains("badImageMode"))
  }

  test("Spark ML's columns agree with each other and with the annotation") {
    val row = vit
      .setRawPredictionCol("logits")
      .setProbabilityCol("probability")
      .setPredictionCol("prediction")
      .transform(mixed)
      .head()
    val probability = row.getAs[Vector]("probability")
    assert(row.getAs[Vector]("logits").argmax == probability.argmax)
    assert(row.getAs[Double]("prediction") == probability.argmax)
    assert(math.abs(probability.toArray.sum - 1) < 1e-9)
    val label = row.getAs[scala.collection.Seq[org.apache.spark.sql.Row]]("class").head
    assert(label.getAs[String]("result") == vit.labels(probability.argmax))
  }

  test("the annotation holds the topK labels, best first, and the image's facts") {
    val annotations = vit.setTopK(3).transform(mixed).selectExpr("explode(class) as a").select("a.*").limit(3).collect()
    val metadata = annotations.head.getAs[scala.collection.Map[String, String]]("metadata")
    val scores = annotations.map(a => metadata(a.getAs[String]("result")).toDouble)
    assert(scores.toSeq == scores.sorted.reverse.toSeq && scores.distinct.length == 3)
    assert(metadata("origin") == LocalSpark.someDigits(1).head._1 && metadata("width") == "32")
  }

  test("metadata of pass-through columns survives") {
    val described = new MetadataBuilder().putString("comment", "kept").build()
    val input = mixed.withColumn("path", col("path").as("path", described))
    assert(vit.transform(input).schema("path").metadata == described)
  }

  test("an empty DataFrame gives an empty result of the same schema") {
    val empty = vit.transform(mixed.limit(0))
    assert(empty.isEmpty && empty.schema == vit.transform(mixed).schema)
  }

  test("transformSchema returns the schema of transform") {
    val stage = vit.setErrorCol("error").setProbabilityCol("p")
    val (promised, given) = (stage.transformSchema(mixed.schema), stage.transform(mixed).schema)
    assert(promised.map(f => (f.name, f.dataType, f.metadata)) == given.map(f => (f.name, f.dataType, f.metadata)))
  }

  test("neither transform nor transformSchema runs the model") {
    val before = ExecutorRuntime.ofThisProcess.sessions.openedCount
    val stage = vit.setBatchSize(3).setIntraOpThreads(3)
    val planned = stage.transform(mixed)
    stage.transformSchema(mixed.schema)
    assert(ExecutorRuntime.ofThisProcess.sessions.openedCount == before)
    planned.collect()
    assert(ExecutorRuntime.ofThisProcess.sessions.openedCount == before + 1)
  }

  test("repeated transforms open one session") {
    val before = ModelDistributor.sessionCount(spark.sparkContext)
    // Threads of its own: a session that no other test has opened.
    (1 to 3).foreach(_ => vit.setIntraOpThreads(2).transform(mixed.repartition(4)).collect())
    assert(ModelDistributor.sessionCount(spark.sparkContext) == before + 1)
  }

  test("a missing input column is refused, naming the existing columns") {
    val message = refusal(vit.setInputCols("missing"))
    assert(message.contains("'missing'") && message.contains("path, content"))
  }

  test("an input column of the wrong type is refused, naming the type") {
    val numbers = spark.range(3).toDF("content")
    assert(intercept[ParameterException](vit.transform(numbers)).getMessage.contains("bigint"))
  }

  test("several input columns are refused") {
    assert(refusal(vit.setInputCols("path", "content")).contains("exactly one"))
  }

  test("an output column that exists already is refused") {
    assert(refusal(vit.setOutputCol("path")).contains("'path'"))
  }

  test("a stage that would add no column is refused") {
    val stage = ViTForImageClassification.pretrained().setInputCols("content")
    assert(refusal(stage).contains("outputCol"))
  }

  test("a stage without a model is refused, naming the ways to give it one") {
    val stage = new ViTForImageClassification().setInputCols("content").setOutputCol("class")
    assert(refusal(stage).contains("loadSavedModel"))
  }

  test("a missing bundle is refused") {
    val error = intercept[ParameterException](ViTForImageClassification.loadSavedModel("/no/such/bundle", spark))
    assert(error.getMessage.contains("/no/such/bundle") && error.getMessage.contains("sparkvision export"))
  }

  test("a modelPath that is not a path or URI is refused") {
    val error = intercept[ParameterException](ViTForImageClassification.loadSavedModel("hdfs:", spark))
    assert(error.getMessage.contains("modelPath 'hdfs:' is not a path or URI"))
  }

  test("a folder without a bundle's files is refused") {
    val error = intercept[BundleException](ViTForImageClassification.loadSavedModel(temporaryFolder().toString, spark))
    assert(error.getMessage.contains("is not a complete model bundle"))
  }

  test("a bundle of another architecture is refused, naming both") {
    val swin = Bundles.withManifest { m =>
      val _ = m.put("architecture", "SwinForImageClassification")
    }
    val error = intercept[BundleException](ViTForImageClassification.loadSavedModel(swin.toString, spark))
    assert(error.getMessage.contains("SwinForImageClassification"))
  }

  test("a size that the graph cannot take is refused on the driver") {
    assert(intercept[ProcessorException](vit.setSize(64).transform(mixed)).getMessage.contains("64"))
  }

  test("CUDA that is requested but not available fails the job, naming the remedy") {
    val error = intercept[SparkException](vit.setExecutionProvider("cuda").transform(mixed).collect())
    assert(error.getMessage.contains("sparkvision-gpu_2.13"))
  }

  test("an invalid value of a Param is refused at once, with the allowed values") {
    def refusal(set: => Any): String = intercept[IllegalArgumentException](set).getMessage
    assert(refusal(vit.setBatchSize(0)) == "batchSize must be at least 1, not 0.")
    assert(refusal(vit.setThreshold(Double.NaN)) == "threshold must be between 0.0 and 1.0, not NaN.")
    assert(
      refusal(vit.setExecutionProvider("tpu")) == "executionProvider must be one of auto, cpu, onednn, cuda, not 'tpu'."
    )
    assert(refusal(vit.setBadImageMode("IGNORE")).contains("one of PERMISSIVE, DROPMALFORMED, FAILFAST, not 'IGNORE'"))
    assert(refusal(vit.copy(ParamMap(vit.topK -> 0))) == "topK must be at least 1, not 0.")
  }
}
