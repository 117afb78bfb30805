package sparkvision.ml

import org.apache.spark.ml.{Pipeline, PipelineModel}
import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.execution.exchange.Exchange
import org.apache.spark.sql.functions._
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException
import sparkvision.ml.plan.{MapRows, MapRowsExec}

class ImageCropperSpec extends AnyFunSuite with LocalSpark {
  private val twoBoxes =
    "array<struct<label:string,score:float,box:struct<xmin:float,ymin:float,xmax:float,ymax:float>>>"

  /** Each image with its upper and its lower half. */
  private def halves(images: DataFrame): DataFrame = images.withColumn(
    "detections",
    from_json(
      lit("""[{"label":"upper","score":0.9,"box":{"xmin":0,"ymin":0,"xmax":32,"ymax":16}},
             {"label":"lower","score":0.8,"box":{"xmin":0,"ymin":16,"xmax":32,"ymax":32}}]"""),
      org.apache.spark.sql.types.DataType.fromDDL(twoBoxes),
      Map.empty[String, String]
    )
  )

  private def digitFiles(count: Int): DataFrame =
    spark.createDataFrame(LocalSpark.someDigits(count)).toDF("path", "content").coalesce(1)

  private def cropper: ImageCropper = new ImageCropper().setInputCols("content", "detections")

  private def vit(column: String): ViTForImageClassification = ViTForImageClassification
    .loadSavedModel("embedded:digits", spark)
    .setInputCols(column)
    .setOutputCol(s"class of $column")

  private def operators(result: DataFrame): Map[String, MapRowsExec] =
    result.queryExecution.executedPlan.collect { case p: MapRowsExec => p.function.name -> p }.toMap

  private def decoded(operator: MapRowsExec): Long = operator.metrics("decoded").value

  test("from encoded images to labelled crops each image is decoded once, in one stage of tasks") {
    val before = vit("content").setBatchSize(3)
    val cropping = cropper.setExplode(true)
    val after = vit("crop")
    val input = halves(digitFiles(10))
    val result = new Pipeline().setStages(Array(before, cropping, after)).fit(input).transform(input)
    assert(result.collect().length == 20)
    val of = operators(result)
    assert(Seq(before, cropping, after).map(stage => decoded(of(stage.uid))) == Seq(10, 0, 0))
    assert(of(after.uid).metrics("images").value == 20)
    assert(!result.queryExecution.executedPlan.exists(_.isInstanceOf[Exchange]))
  }

  test("an image is decoded once even with a filter between the stages") {
    val (before, cropping) = (vit("content"), cropper)
    val labelled = before.transform(halves(digitFiles(10)))
    val result = cropping.transform(labelled.where("hash(path, `class of content`.result) % 2 = 0"))
    assert(Range(1, 10).contains(result.collect().length))
    assert(decoded(operators(result)(before.uid)) == 10 && decoded(operators(result)(cropping.uid)) == 0)
  }

  test("an image that a model has decoded is cropped and hashed with the same result as after decoding it again") {
    val (before, cropping) = (vit("content"), cropper)
    val hashing = new PerceptualHash().setInputCols("content")
    val input = halves(digitFiles(10))
    val result = new Pipeline().setStages(Array(before, cropping, hashing)).fit(input).transform(input)
    // All columns, because Spark omits a stage whose result is not read.
    def hashes(of: DataFrame) = of.collect().map(_.getAs[Long]("hash")).toSeq
    assert(hashes(result) == hashes(hashing.transform(input)))
    assert(Seq(before, cropping, hashing).map(stage => decoded(operators(result)(stage.uid))) == Seq(10, 0, 0))
  }

  test("without an earlier stage the cropper decodes images, except images without detections") {
    val input = halves(digitFiles(10)).withColumn(
      "detections",
      when(col("path") < "0300", slice(col("detections"), 1, 0)).otherwise(col("detections"))
    )
    val withBoxes = input.where(size(col("detections")) > 0).count()
    val cropping = cropper
    val result = cropping.transform(input)
    assert(result.collect().length == 10 && Range(1, 10).contains(withBoxes.toInt))
    assert(decoded(operators(result)(cropping.uid)) == withBoxes)
  }

  test("an image that an earlier stage has decoded is refused when it is too large for a later stage") {
    val input = halves(digitFiles(2))
    val result = cropper.setMaxImagePixels(1000).setErrorCol("error").transform(vit("content").transform(input))
    assert(result.collect().map(_.getAs[String]("error")).forall(_.startsWith("too large: 32 x 32")))
  }

  test("a limit above exploded rows is not moved below them") {
    assert(cropper.setExplode(true).transform(halves(digitFiles(2))).limit(3).collect().length == 3)
  }

  test("a filter on the input's columns runs before the cropping") {
    val filtered = cropper.setExplode(true).transform(halves(digitFiles(4))).where("path > ''")
    val cropping = filtered.queryExecution.optimizedPlan.collectFirst { case p: MapRows => p }.get
    assert(cropping.maxRows.isEmpty && cropping.child.exists(_.nodeName == "Filter"))
  }

  test("a cropper that was saved in a pipeline loads with its Params") {
    val folder = temporaryFolder().resolve("saved").toString
    val input = halves(mixed)
    new Pipeline().setStages(Array(cropper.setExplode(true).setKeepEmpty(true))).fit(input).write.save(folder)
    val loaded = PipelineModel.load(folder).stages.head.asInstanceOf[ImageCropper]
    assert(loaded.getExplode && loaded.getKeepEmpty && loaded.getInputCols.toSeq == Seq("content", "detections"))
  }

  test("unusable columns are refused by name") {
    def refusal(stage: ImageCropper, input: DataFrame = halves(mixed)) =
      intercept[ParameterException](stage.transform(input)).getMessage
    assert(refusal(cropper.setInputCols("content")).contains("takes two input columns"))
    assert(refusal(cropper.setInputCols("content", "path")).contains("'path' has type string"))
    assert(refusal(cropper, mixed).contains("no column 'detections'"))
    assert(refusal(cropper.setInputCols("detections", "detections")).contains("cannot hold images"))
  }
}
