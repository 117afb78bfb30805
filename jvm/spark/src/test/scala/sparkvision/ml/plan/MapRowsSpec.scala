package sparkvision.ml.plan

import com.fasterxml.jackson.databind.node.ArrayNode
import org.apache.spark.SparkException
import org.apache.spark.sql.catalyst.plans.logical.{LocalLimit, LogicalPlan}
import org.apache.spark.sql.execution.columnar.InMemoryRelation
import org.apache.spark.sql.functions._
import org.apache.spark.sql.streaming.Trigger
import org.apache.spark.sql.{AnalysisException, DataFrame, Encoders, SparkSession}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.ParameterException
import sparkvision.ml.model.ModelStore
import sparkvision.ml.param.BadImageMode
import sparkvision.ml.{LocalSpark, PerceptualHash, SparkVisionExtensions, ViTForImageClassification, ViTImageEmbeddings}

/** The operator, in a session that was built without SparkVisionExtensions. */
class MapRowsSpec extends AnyFunSuite with LocalSpark {

  private def vit: ViTForImageClassification =
    ViTForImageClassification.loadSavedModel("embedded:digits", spark).setInputCols("content").setOutputCol("class")

  private def wide: DataFrame = {
    val folder = temporaryFolder().resolve("wide.parquet").toString
    val columns = (1 to 50).map(number => lit(number).as(s"c$number"))
    mixed.select(col("*") +: columns: _*).write.parquet(folder)
    spark.read.parquet(folder)
  }

  private def optimized(result: DataFrame): LogicalPlan = result.queryExecution.optimizedPlan

  private def runsImages(result: DataFrame): Boolean = optimized(result).exists(_.isInstanceOf[MapRows])

  private def readSchema(result: DataFrame): String =
    "ReadSchema: (.*)".r.findFirstMatchIn(result.queryExecution.executedPlan.toString).get.group(1)

  test("of fifty columns only the image and its origin are read for one output") {
    assert(readSchema(vit.transform(wide).select("class.result")) == "struct<path:string,content:binary>")
  }

  private def passedOn(result: DataFrame): Seq[String] =
    optimized(result).collectFirst { case p: MapRows => p.passed.map(_.name) }.get

  test("an image that only the model reads is not part of the model's output") {
    val result = vit.setPredictionCol("prediction").transform(wide)
    assert(passedOn(result.select("class")) == Nil)
    assert(passedOn(result.select("c7", "path", "class")) == Seq("path", "c7"))
    assert(passedOn(result.where("prediction >= 0").select("class")) == Nil)
    assert(passedOn(result.select("content", "class")) == Seq("content"))
    assert(result.where("prediction >= 0 and length(content) > 0").select("class").collect().length == 4)
  }

  test("a filter on the input's columns runs before the model, and is pushed into the scan") {
    val filtered = vit.transform(wide).where("c1 = 2").select("class")
    assert(optimized(filtered).collectFirst { case p: MapRows => p.child.exists(_.nodeName == "Filter") }.get)
    assert(filtered.queryExecution.executedPlan.toString.contains("EqualTo(c1,2)"))
  }

  test("a task of a stage without a model occupies its core too") {
    val hashed = new PerceptualHash().setInputCols("content").transform(mixed)
    val threads = udf { (_: java.lang.Long) =>
      val pieces = IndexedSeq.fill(2) { () => Thread.sleep(50); Thread.currentThread.getName }
      ExecutorRuntime.ofThisProcess.spareCores.inParallel(1, pieces).distinct.size
    }
    assert(hashed.select(threads(col("hash"))).collect().map(_.getInt(0)).toSeq == Seq.fill(6)(1))
  }

  test("a limit runs before the model") {
    val limited = vit.transform(wide).select("class").limit(2)
    assert(optimized(limited).collectFirst { case p: MapRows => p.child.exists(_.isInstanceOf[LocalLimit]) }.get)
    assert(limited.collect().length == 2)
  }

  test("a limit does not run before rows are dropped") {
    val kept = vit.setBadImageMode(BadImageMode.DropMalformed.name).transform(mixed).limit(3)
    assert(kept.collect().length == 3)
  }

  test("counting the rows runs no image, unless bad images are dropped or fail the query") {
    def counted(mode: String) = vit.setBadImageMode(mode).transform(mixed).groupBy().count()
    assert(
      !runsImages(counted(BadImageMode.Permissive.name)) && counted(BadImageMode.Permissive.name).head().getLong(0) == 6
    )
    assert(counted(BadImageMode.DropMalformed.name).head().getLong(0) == 4)
    assert(intercept[SparkException](counted(BadImageMode.FailFast.name).head()).getMessage.contains("broken.png"))
  }

  test("a result can be joined with itself") {
    val result = vit.transform(mixed.where("path not in ('broken.png', 'nothing.png')"))
    val joined =
      result.as("a").join(result.as("b"), col("a.path") === col("b.path")).where("a.class.result = b.class.result")
    assert(joined.count() == 4)
  }

  test("a cached result is found by an equal stage on the same data") {
    val (stage, input) = (vit, mixed)
    val cached = stage.transform(input).cache()
    try {
      val again = stage.transform(input).queryExecution.withCachedData
      assert(again.exists(_.isInstanceOf[InMemoryRelation]))
      val other = stage.setTopK(2).transform(input).queryExecution.withCachedData
      assert(!other.exists(_.isInstanceOf[InMemoryRelation]))
    } finally { val _ = cached.unpersist() }
  }

  test("the rows of a shuffle keep their partitions and results") {
    val input = spark.createDataFrame(LocalSpark.someDigits(40)).toDF("path", "content")
    val expected = vit.transform(input).select("path", "class.result").collect().toSet
    assert(vit.transform(input.repartition(5)).select("path", "class.result").collect().toSet == expected)
  }

  test("a stream runs the operator in each micro-batch") {
    val (source, sink) = (temporaryFolder().resolve("in").toString, temporaryFolder())
    mixed.write.parquet(source)
    val stream = spark.readStream.schema(mixed.schema).parquet(source)
    val query = vit
      .transform(stream)
      .select("path", "class.result")
      .writeStream
      .option("checkpointLocation", sink.resolve("checkpoint").toString)
      .trigger(Trigger.AvailableNow())
      .start(sink.resolve("out").toString)
    query.awaitTermination()
    assert(spark.read.parquet(sink.resolve("out").toString).count() == 6)
  }

  test("the operator reports images, batches and times to the UI") {
    val result = vit.setBatchSize(3).transform(mixed)
    result.collect()
    val operator = result.queryExecution.executedPlan.collectFirst { case p: MapRowsExec => p }.get
    def metric(name: String) = operator.metrics(name).value
    assert((metric("images"), metric("unusable"), metric("batches")) == ((6, 2, 2)))
    Seq("decode", "preprocess", "run", "postprocess").foreach(name => assert(metric(name) > 0, name))
  }

  test("the plan shows the stage, its model and its settings") {
    val stage = vit.setBatchSize(3)
    val plan = stage.transform(mixed).queryExecution.executedPlan.toString
    assert(plan.contains(stage.uid) && plan.contains("batchSize=3") && plan.contains(stage.getBundleHash.get.take(12)))
  }

  test("a session that was built without the extensions can install the SQL functions") {
    val session = spark.newSession()
    SparkVisionExtensions.install(session)
    val labels = session.sql("SELECT sparkvision_predict(x'00', 'embedded:digits') AS p").select("p.label", "p.error")
    assert(labels.head().isNullAt(0) && labels.head().getString(1).contains("not an image"))
    assert(session.sql("SELECT * FROM sparkvision_metrics()").columns.contains("run_seconds"))
  }

  private def installed: SparkSession = {
    val session = spark.newSession()
    SparkVisionExtensions.install(session)
    session
  }

  test("a query without SparkVision's operators and functions passes its rules as the same object") {
    val session = installed
    val plan = session
      .range(10)
      .where("id > 3")
      .groupBy(col("id") % 2)
      .count()
      .queryExecution
      .optimizedPlan
    session.experimental.extraOptimizations.foreach(rule => assert(rule(plan) eq plan, rule.ruleName))
  }

  /** Broadcasts are numbered. */
  private def broadcasts(): Long = spark.sparkContext.broadcast(0).id

  test("EXPLAIN of the SQL function neither fetches the model nor broadcasts") {
    val (session, folder) = (
      installed,
      Bundles.withManifest { manifest =>
        val _ = manifest.put("note", "explained")
      }
    )
    val (stored, broadcast) = (ModelStore.folders(spark), broadcasts())
    val query = session.sql(s"SELECT sparkvision_predict(x'00', '$folder').error AS error")
    assert(query.schema.fieldNames.toSeq == Seq("error"))
    assert(query.queryExecution.executedPlan.toString.contains(folder.toString))
    assert(ModelStore.folders(spark) == stored && broadcasts() == broadcast + 1)
    query.collect()
    assert(ModelStore.folders(spark).size == stored.size + 1)
  }

  test("the plan of a thumbnail broadcasts nothing") {
    val session = installed
    val path = LocalSpark.fixtures.resolve("photos/cat_chelsea.png").toString
    session.createDataset(Seq(path))(Encoders.STRING).createOrReplaceTempView("photos")
    val broadcast = broadcasts()
    val query = session.sql("SELECT sparkvision_thumbnail(value, 8) AS small FROM photos")
    assert(query.queryExecution.optimizedPlan.schema.fieldNames.toSeq == Seq("small"))
    assert(broadcasts() == broadcast + 1)
    assert(query.head().getAs[Array[Byte]]("small").nonEmpty)
  }

  test("EXPLAIN of a stage's transform neither fetches the model nor broadcasts") {
    val folder = Bundles.withManifest { manifest =>
      val _ = manifest.put("note", "transformed")
    }
    val (stored, broadcast) = (ModelStore.folders(spark), broadcasts())
    val stage =
      new ViTForImageClassification().setModelPath(folder.toString).setInputCols("content").setOutputCol("class")
    val labelled = stage.setProbabilityCol("probability").transform(mixed)
    assert(labelled.queryExecution.executedPlan.toString.contains(stage.uid))
    assert(ModelStore.folders(spark) == stored && broadcasts() == broadcast + 1)
    assert(labelled.collect().length == 6 && ModelStore.folders(spark).size == stored.size + 1)
  }

  test("transform fetches no bundle whose manifest leaves open a size that the stage does not need") {
    def fetches(transform: => DataFrame): Boolean = {
      val stored = ModelStore.folders(spark)
      val _ = transform
      ModelStore.folders(spark) != stored
    }
    val open = Bundles.withOpenClassCount { manifest =>
      val _ = manifest.put("note", "open classes")
    }
    assert(!fetches(vit.setModelPath(open.toString).transform(mixed)))
    val pooled = Bundles.features { manifest =>
      val _ = manifest.withArray[ArrayNode]("/outputs/1/shape").set(1, "size")
    }
    def embeddings = new ViTImageEmbeddings()
      .setModelPath(pooled.toString)
      .setInputCols("content")
      .setEmbeddingsCol("features")
    assert(!fetches(embeddings.setPooling("cls").transform(mixed)))
    assert(fetches(embeddings.setPooling("pooler").transform(mixed)))
  }

  private def damaged(note: String): String = {
    val folder = Bundles.withManifest { manifest =>
      val _ = manifest.put("note", note)
    }
    Bundles.flipByte(folder.resolve("model.onnx"))
    folder.toString
  }

  test("a bundle that is damaged fails the query of a stage when it starts, with the engine's exception") {
    val labelled = vit.setModelPath(damaged("for a stage")).transform(mixed)
    assert(intercept[BundleException](labelled.collect()).getMessage.contains("is damaged"))
  }

  test("a bundle that is damaged fails the query of an SQL function when it starts, with an exception of Spark") {
    val query = installed.sql(s"SELECT sparkvision_predict(x'00', '${damaged("for SQL")}').label")
    assert(intercept[AnalysisException](query.collect()).getMessage.contains("is damaged"))
  }

  test("what the manifest shows to be wrong is refused by transform") {
    def transformed(folder: String) = vit.setModelPath(folder).transform(mixed)
    assert(intercept[ParameterException](transformed("/no/such/bundle")).getMessage.contains("/no/such/bundle"))
    val empty = Bundles.withManifest { manifest =>
      val _ = manifest.putArray("outputs")
    }
    assert(intercept[BundleException](transformed(empty.toString)).getMessage.contains("no input or no output"))
  }

  test("two models in one query give their own labels") {
    val reversed = Bundles.withManifest { manifest =>
      val labels = manifest.withArray[ArrayNode]("labels")
      val names = (0 until labels.size).map(labels.get(_).asText).reverse
      labels.removeAll()
      names.foreach(labels.add)
    }
    val session = spark.newSession()
    SparkVisionExtensions.install(session)
    val folder = temporaryFolder().resolve("digits.parquet").toString
    spark.createDataFrame(LocalSpark.someDigits(5)).toDF("path", "content").write.parquet(folder)
    val rows = session
      .sql(
        s"""SELECT sparkvision_predict(content, 'embedded:digits').id, sparkvision_predict(content, '$reversed').label
              |FROM parquet.`$folder`""".stripMargin
      )
      .collect()
    assert(rows.length == 5 && rows.forall(row => row.getInt(0) == 9 - row.getString(1).toInt))
  }
}
