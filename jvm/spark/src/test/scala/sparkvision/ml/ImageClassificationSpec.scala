package sparkvision.ml

import org.apache.spark.ml.attribute.{Attribute, AttributeGroup, NominalAttribute}
import org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator
import org.apache.spark.ml.feature.IndexToString
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.sql.functions._
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{BundleException, Bundles, ModelBundle, ModelTask}
import sparkvision.image.{ImageInput, ParameterException}
import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

class ImageClassificationSpec extends AnyFunSuite with LocalSpark {

  private val named: Seq[(BundleReadable[_ <: ImageClassification], ModelFamily)] = Seq(
    ViTForImageClassification -> ModelFamily.ViT,
    SwinForImageClassification -> ModelFamily.Swin,
    ConvNextForImageClassification -> ModelFamily.ConvNext,
    DeiTForImageClassification -> ModelFamily.DeiT,
    BeitForImageClassification -> ModelFamily.Beit,
    Dinov2ForImageClassification -> ModelFamily.Dinov2
  )

  private def bundleOf(architecture: String): String = Bundles.withManifest { manifest =>
    val _ = manifest.put("architecture", architecture)
  }.toString

  private def bundleFor(problemType: String): String = Bundles.withManifest { manifest =>
    val _ = manifest.put("problemType", problemType)
  }.toString

  private def stage(bundle: String = "embedded:digits"): ImageClassification =
    ImageClassification.loadSavedModel(bundle, spark).setInputCols("content").setOutputCol("class")

  named.foreach { case (companion, family) =>
    test(s"${family.stage} runs its own architectures, and bundles that name none") {
      (family.architectures ++ Seq("onnx", "")).foreach { architecture =>
        val loaded = companion.loadSavedModel(bundleOf(architecture), spark)
        assert(loaded.getClass.getSimpleName == family.stage && loaded.labels.length == 10)
      }
    }

    test(s"${family.stage} refuses bundles of other families, naming the right stage") {
      named.map(_._2).filter(_ != family).foreach { other =>
        val bundle = bundleOf(other.architectures.last)
        val message = intercept[BundleException](companion.loadSavedModel(bundle, spark)).getMessage
        assert(message.contains(s"holds a ${other.architectures.last}") && message.contains(s"Use ${other.stage}."))
      }
    }
  }

  test("a bundle of an architecture without a stage of its own is referred to ImageClassification, which runs it") {
    val levit = bundleOf("LevitForImageClassification")
    val message = intercept[BundleException](ViTForImageClassification.loadSavedModel(levit, spark)).getMessage
    assert(message.contains("Use ImageClassification."))
    val labelled = stage(levit).transform(mixed).select(size(col("class"))).collect()
    assert(labelled.map(_.getInt(0)).toSeq == Seq(1, 1, 0, 1, 1, 0))
  }

  test("a detector of an architecture without a stage of its own is referred to ObjectDetection") {
    val manifest = ModelBundle.open(Bundles.digits()).manifest.copy(task = ModelTask.ObjectDetection)
    val stages = Seq("DetrForObjectDetection", "RTDetrForObjectDetection").map { architecture =>
      ModelFamily.stageFor(manifest.copy(architecture = architecture))
    }
    assert(stages == Seq("DetrForObjectDetection", "ObjectDetection"))
  }

  private def bundleWithLabels(names: Seq[String]): String = Bundles.withManifest { manifest =>
    val labels = manifest.putArray("labels")
    names.foreach(name => labels.add(name))
  }.toString

  test("a class with the name of one of the annotation's facts does not replace the fact") {
    val names = Seq("width", "height", "mode", "image", "nChannels", "origin", "score", "id", "more", "last")
    val labelled = stage(bundleWithLabels(names)).setTopK(names.size).setProbabilityCol("p").transform(mixed)
    val row = labelled.select("path", "class.metadata", "p").head()
    val facts = Map(
      "width" -> "32",
      "height" -> "32",
      "mode" -> "-1",
      "image" -> "0",
      "nChannels" -> "3",
      "origin" -> row.getString(0)
    )
    row.getSeq[scala.collection.Map[String, String]](1).foreach { metadata =>
      assert(facts.forall { case (fact, value) => metadata(fact) == value } && metadata("last").toDouble < 1)
      assert(metadata("score").toFloat == row.getAs[Vector](2)(metadata("id").toInt).toFloat)
    }
  }

  test("of classes with the same name each annotation has its own score and id, and the name has the best score") {
    val labelled = stage(bundleWithLabels(Seq.fill(10)("cat"))).setTopK(10).setProbabilityCol("p").transform(mixed)
    val row = labelled.select("class.metadata", "p").head()
    val scores = row.getAs[Vector](1).toArray.map(_.toFloat)
    val metadata = row.getSeq[scala.collection.Map[String, String]](0)
    assert(metadata.map(_("score").toFloat) == scores.sorted.reverse.toSeq && scores.max > 0.9f)
    assert(metadata.map(one => scores(one("id").toInt)) == metadata.map(_("score").toFloat))
    assert(metadata.forall(_("cat").toFloat == scores.max))
  }

  test("of classes with the same name IndexToString and the columns' attributes name each by its id") {
    val names = Seq("cat", "dog", "cat", "bird", "a", "b", "c", "d", "e", "f")
    val labelled = stage(bundleWithLabels(names)).setPredictionCol("id").setProbabilityCol("p").transform(digits)
    assert(Attribute.fromStructField(labelled.schema("id")).asInstanceOf[NominalAttribute].values.get.toSeq == names)
    assert(AttributeGroup.fromStructField(labelled.schema("p")).attributes.get.map(_.name.get).toSeq == names)
    val named = new IndexToString().setInputCol("id").setOutputCol("name").transform(labelled.limit(40)).collect()
    assert(named.forall(row => row.getAs[String]("name") == names(row.getAs[Double]("id").toInt)))
  }

  test("a bundle for feature extraction is referred to ViTImageEmbeddings") {
    val features = Bundles.features().toString
    val message = intercept[BundleException](ImageClassification.loadSavedModel(features, spark)).getMessage
    assert(message.contains("feature-extraction") && message.contains("ViTImageEmbeddings"))
  }

  test("a multi-label model reports every label at or above the threshold, best first, with its sigmoid") {
    val labelled =
      stage(bundleFor("multi_label_classification"))
        .setThreshold(0.01)
        .setRawPredictionCol("logits")
        .setProbabilityCol("p")
    val row = labelled.transform(mixed).select("class.result", "class.metadata", "logits", "p").head()
    val scores = row.getAs[Vector]("logits").toArray.map(x => 1 / (1 + math.exp(-x)))
    val expected = scores.indices.filter(scores(_) >= 0.01).sortBy(-scores(_)).map(labelled.labels(_))
    assert(row.getSeq[String](0) == expected && expected.size > 1)
    assert(row.getAs[Vector]("p").toArray.zip(scores).forall { case (a, b) => math.abs(a - b) < 1e-12 })
    val metadata = row.getSeq[scala.collection.Map[String, String]](1).head
    assert(expected.forall(label => math.abs(metadata(label).toDouble - scores(label.toInt)) < 1e-6))
  }

  test("topK limits the labels of a multi-label model only if it is set") {
    val multiLabel = stage(bundleFor("multi_label_classification")).setThreshold(0)
    def labelsEach(stage: ImageClassification) = stage.transform(mixed).select(size(col("class"))).head().getInt(0)
    assert(labelsEach(multiLabel) == 10)
    assert(labelsEach(multiLabel.setTopK(1)) == 1)
  }

  test("predictionCol, one label, is refused for a multi-label model") {
    val multiLabel = stage(bundleFor("multi_label_classification")).setPredictionCol("prediction")
    val message = intercept[ParameterException](multiLabel.transformSchema(mixed.schema)).getMessage
    assert(message.contains("predictionCol is 'prediction'") && message.contains("multi_label_classification"))
  }

  test("a regression returns its raw values in the order of the outputs") {
    val row = stage(bundleFor("regression")).setRawPredictionCol("values").transform(mixed).head()
    val values = row.getAs[Vector]("values").toArray
    val annotations = row.getSeq[org.apache.spark.sql.Row](row.fieldIndex("class"))
    assert(annotations.map(_.getAs[String]("result")) == (0 until 10).map(_.toString))
    val metadata = annotations.head.getAs[scala.collection.Map[String, String]]("metadata")
    assert(values.indices.forall(i => metadata(i.toString).toFloat == values(i).toFloat))
  }

  test("probabilityCol and, of several values, predictionCol are refused for a regression") {
    def refusal(change: ImageClassification => ImageClassification) =
      intercept[ParameterException](change(stage(bundleFor("regression"))).transform(mixed)).getMessage
    assert(refusal(_.setProbabilityCol("p")).contains("probabilityCol is 'p'"))
    assert(refusal(_.setPredictionCol("p")).contains("10 labels"))
  }

  test("Spark ML's columns name the labels in their metadata") {
    val schema = stage().setPredictionCol("id").setProbabilityCol("p").setRawPredictionCol("l").transform(mixed).schema
    val digits = (0 until 10).map(_.toString)
    assert(Attribute.fromStructField(schema("id")).asInstanceOf[NominalAttribute].values.get.toSeq == digits)
    Seq("p", "l").foreach { name =>
      assert(AttributeGroup.fromStructField(schema(name)).attributes.get.map(_.name.get).toSeq == digits)
    }
  }

  test("IndexToString and MulticlassClassificationEvaluator run on the columns unchanged") {
    val truth = element_at(split(col("path"), "/"), -2)
    val labelled = stage()
      .setPredictionCol("prediction")
      .setProbabilityCol("probability")
      .transform(digits)
      .withColumn("label", truth.cast("double"))
    val named = new IndexToString().setInputCol("prediction").setOutputCol("name").transform(labelled).cache()
    assert(named.where(col("name") =!= element_at(col("class.result"), 1)).isEmpty)
    def metric(name: String) = new MulticlassClassificationEvaluator().setMetricName(name).evaluate(named)
    info(f"accuracy ${metric("accuracy")}%.4f, log loss ${metric("logLoss")}%.4f")
    assert(metric("accuracy") >= 0.97 && metric("logLoss") < 0.2)
    named.unpersist()
  }

  test("a closed local model says that it is closed") {
    val model: LocalModel = stage().localModel()
    model.close()
    val image = ImageInput.Encoded(LocalSpark.someDigits(1).head._2)
    val message = intercept[ParameterException](model.predictions(Iterator(image))(identity).next()).getMessage
    assert(message.contains("closed"))
  }
}
