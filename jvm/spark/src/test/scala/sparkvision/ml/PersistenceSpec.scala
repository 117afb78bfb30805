package sparkvision.ml

import java.io.File
import java.nio.file.{Files, Path}

import org.apache.hadoop.fs.FileUtil
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.{Pipeline, PipelineModel, Transformer}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles}
import sparkvision.ml.model.ModelStore

class PersistenceSpec extends AnyFunSuite with LocalSpark {

  private def logits(stage: Transformer): Seq[Vector] =
    stage.transform(mixed).select("logits").collect().toSeq.map(_.getAs[Vector](0))

  private def vit(path: String): ViTForImageClassification = ViTForImageClassification
    .loadSavedModel(path, spark)
    .setInputCols("content")
    .setRawPredictionCol("logits")
    .setBatchSize(3)

  private def pipeline(path: String): PipelineModel =
    new Pipeline().setStages(Array(new ImageAssembler(), vit(path).setInputCols("image"))).fit(mixed)

  private def newPath(): String = temporaryFolder().resolve("saved").toString

  test("a saved stage loads with its Params and its model") {
    val (path, stage) = (newPath(), vit("embedded:digits"))
    stage.write.save(path)
    val loaded = ViTForImageClassification.load(path)
    assert(loaded.getBatchSize == 3 && loaded.uid == stage.uid)
    assert(logits(loaded) == logits(stage))
  }

  test("topK is unset in a stage that an earlier version saved with the default 1") {
    val path = newPath()
    vit(Bundles.multiLabel().toString).setThreshold(0).setOutputCol("class").write.save(path)
    val metadata =
      Files.list(Path.of(path, "metadata")).filter(_.getFileName.toString.startsWith("part-")).findFirst.get
    Files.delete(metadata.resolveSibling(s".${metadata.getFileName}.crc"))
    val saved = Files.readString(metadata)
    val earlier = saved.replace("\"defaultParamMap\":{", "\"defaultParamMap\":{\"topK\":1,")
    Files.writeString(metadata, earlier)
    val loaded = ViTForImageClassification.load(path)
    assert(earlier != saved && loaded.hasDefault(loaded.topK) && loaded.getTopK.isEmpty)
    assert(loaded.transform(mixed).selectExpr("size(class)").head().getInt(0) == 10)
  }

  test("load(p) then write.overwrite.save(p) keeps the model, for a stage") {
    val path = newPath()
    vit("embedded:digits").write.save(path)
    val expected = logits(ViTForImageClassification.load(path))
    ViTForImageClassification.load(path).write.overwrite().save(path)
    assert(logits(ViTForImageClassification.load(path)) == expected)
  }

  test("load(p) then write.overwrite.save(p) keeps the model, for a PipelineModel") {
    val path = newPath()
    pipeline("embedded:digits").write.save(path)
    val expected = logits(PipelineModel.load(path))
    PipelineModel.load(path).write.overwrite().save(path)
    assert(logits(PipelineModel.load(path)) == expected)
  }

  test("a saved folder that was moved loads") {
    val (path, moved) = (newPath(), newPath())
    pipeline("embedded:digits").write.save(path)
    val expected = logits(PipelineModel.load(path))
    Files.move(Path.of(path), Path.of(moved))
    assert(logits(PipelineModel.load(moved)) == expected)
  }

  test("a stage whose source folder was deleted after loading still transforms and saves") {
    val (source, path) = (Bundles.digits(), newPath())
    val stage = vit(source.toString)
    FileUtil.fullyDelete(source.toFile)
    assert(logits(stage) == logits(vit("embedded:digits")))
    stage.write.save(path)
    assert(logits(ViTForImageClassification.load(path)) == logits(stage))
  }

  test("a stage keeps its model when another one is put at its source") {
    val source = Bundles.digits()
    val stage = vit(source.toString)
    val before = logits(stage)
    Files.writeString(source.resolve("sparkvision.json"), "{}")
    assert(logits(stage) == before)
  }

  test("a saved stage whose model was replaced is refused") {
    val path = newPath()
    vit("embedded:digits").write.save(path)
    FileUtil.fullyDelete(new File(path, "bundle"))
    Files.move(Bundles.relabelled(), Path.of(path, "bundle"))
    assert(intercept[BundleException](ViTForImageClassification.load(path)).getMessage.contains("replaced"))
  }

  test("a saved stage that was damaged after it had been loaded once is refused") {
    val path = newPath()
    vit("embedded:digits").write.save(path)
    ViTForImageClassification.load(path)
    val graph = Path.of(path, "bundle", "model.onnx")
    Files.delete(graph.resolveSibling(".model.onnx.crc")) // else Hadoop's own checksum would tell
    val bytes = Files.readAllBytes(graph)
    bytes(bytes.length / 2) = (bytes(bytes.length / 2) ^ 1).toByte
    Files.write(graph, bytes)
    assert(intercept[BundleException](ViTForImageClassification.load(path)).getMessage.contains("damaged"))
  }

  test("loadSavedModel reads the current bundle each time") {
    val source = Bundles.sparkNlpLayout()
    assert(vit(source.toString).labels.head == "0")
    val labels = source.resolve("assets/labels.json")
    Files.writeString(labels, Files.readString(labels).replace("\"0\"", "\"zero\""))
    assert(vit(source.toString).labels.head == "zero")
  }

  test("another modelPath in a ParamMap runs the other model") {
    val (stage, other) = (vit("embedded:digits").setOutputCol("class"), Bundles.relabelled().toString)
    val labelled = stage.transform(mixed, ParamMap(stage.modelPath -> other))
    assert(labelled.selectExpr("class[0].result").head().getString(0).startsWith("another"))
    assert(stage.copy(ParamMap(stage.modelPath -> other)).labels.head == "another 0")
  }

  test("a link to a place outside the bundle is not followed") {
    val folder = Bundles.digits()
    val labels = folder.resolve("assets/labels.json")
    val outside = Files.move(labels, temporaryFolder().resolve("labels.json"))
    Files.createSymbolicLink(labels, outside)
    assert(intercept[BundleException](vit(folder.toString)).getMessage.contains("link"))
  }

  test("a refused bundle leaves nothing behind in the driver's store") {
    val before = ModelStore.folders(spark)
    intercept[BundleException](vit(Bundles.withManifest { m =>
      val _ = m.remove("labels")
    }.toString))
    assert(ModelStore.folders(spark) == before)
  }

  test("a folder in Spark NLP's layout loads, and saves") {
    val path = newPath()
    val stage = vit(Bundles.sparkNlpLayout().toString)
    stage.write.save(path)
    assert(logits(ViTForImageClassification.load(path)) == logits(vit("embedded:digits")))
  }

  test("another JVM loads what a Scala application saved and gets the same rows") {
    val (path, rows) = (newPath(), temporaryFolder().resolve("rows.txt"))
    val here = PipelineApplication.save(spark, path)
    val java = Path.of(System.getProperty("java.home"), "bin", "java").toString
    val options = PipelineApplication.javaOptions :+ "-Dspark.master=local[2]" :+ "-Dspark.app.name=another JVM"
    val command = (java +: options) ++
      Seq("-cp", System.getProperty("java.class.path"), "sparkvision.ml.PipelineApplication", path, rows.toString)
    val log = temporaryFolder().resolve("log.txt").toFile
    val exit = new ProcessBuilder(command: _*).redirectErrorStream(true).redirectOutput(log).start().waitFor()
    assert(exit == 0, Files.readString(log.toPath))
    assert(Files.readString(rows).linesIterator.toSeq == here && here.size > 10)
  }
}
