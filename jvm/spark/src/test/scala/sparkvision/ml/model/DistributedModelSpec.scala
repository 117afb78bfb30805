package sparkvision.ml.model

import java.net.URI
import java.nio.file.Files

import scala.util.Using

import org.apache.hadoop.fs.{FileUtil, RawLocalFileSystem}
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.util.SerializableConfiguration
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles, ModelBundle}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.ml.{LocalSpark, ViTForImageClassification}

/** How a model reaches executors. Local mode uses none of these ways, so they are tested one by one. */
class DistributedModelSpec extends AnyFunSuite with LocalSpark {
  private def context = spark.sparkContext
  private def configuration = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))

  private def remote(bundle: ModelBundle, uri: String): DistributedModel =
    DistributedModel.Remote(bundle.bundleHash, bundle.size, uri, bundle.fileNames, configuration)

  /** This executor's copy. */
  private def received(model: DistributedModel): ModelBundle =
    Using.resource(ExecutorModels.of(ExecutorRuntime.ofThisProcess).acquire(model))(_.value.bundle)

  test("a model broadcast in many chunks arrives as it was sent") {
    val bundle = ModelBundle.open(Bundles.relabelled())
    val sent = ModelDistributor.send(bundle, context, chunkSize = 100000)
    assert(sent.files.find(_.name == "model.onnx").exists(_.chunks.size > 10))
    val copy = received(sent)
    assert(copy.bundleHash == bundle.bundleHash && copy.folder != bundle.folder)
  }

  test("a model that was damaged on the driver is not sent") {
    val bundle = ModelBundle.open(Bundles.digits())
    Bundles.flipByte(bundle.graph)
    assert(intercept[BundleException](ModelDistributor.send(bundle, context)).getMessage.contains("is damaged"))
  }

  test("executors read a model from another file system themselves") {
    val folder = Bundles.withManifest { m =>
      val _ = m.put("note", "read by executors")
    }
    val bundle = ModelBundle.open(folder)
    val copy = received(remote(bundle, s"lake:$folder"))
    assert(copy.bundleHash == bundle.bundleHash && copy.folder != folder)
  }

  test("a model that was exchanged after the job was planned is refused by executors") {
    val folder = Bundles.withManifest { m =>
      val _ = m.put("note", "to be exchanged")
    }
    val planned = remote(ModelBundle.open(folder), folder.toUri.toString)
    FileUtil.fullyDelete(folder.toFile)
    Files.move(
      Bundles.withManifest { m =>
        val _ = m.put("note", "exchanged")
      },
      folder
    )
    assert(intercept[BundleException](received(planned)).getMessage.contains("changed"))
  }

  test("an executor that cannot read a model names its location") {
    val bundle = ModelBundle.open(Bundles.digits())
    val message = intercept[BundleException](received(remote(bundle, "lake:/swept/away"))).getMessage
    assert(message.contains("lake:/swept/away/") && message.contains("need access"))
  }

  test("executors are sent the models that they cannot read") {
    val folder = Bundles.digits()
    val bundle = ModelBundle.open(folder)
    assert(ModelDistributor.executorsCanRead(bundle, s"lake:$folder", context))
    assert(!ModelDistributor.executorsCanRead(bundle, folder.toUri.toString, context), "a file: of the driver's")
    assert(!ModelDistributor.executorsCanRead(bundle, folder.toString, context), "a path without a scheme")
    assert(!ModelDistributor.executorsCanRead(bundle, "embedded:digits", context))
    FileUtil.fullyDelete(folder.toFile)
    assert(!ModelDistributor.executorsCanRead(bundle, s"lake:$folder", context), "deleted since it was loaded")
  }

  test("a model is sent when its location is deleted after executors were told to read it") {
    val folder = Bundles.digits()
    val bundle = ModelBundle.open(folder)
    val remote = ModelDistributor.toExecutors(bundle, s"lake:$folder", context)
    assert(remote.isInstanceOf[DistributedModel.Remote])
    assert(ModelDistributor.toExecutors(bundle, s"lake:$folder", context) eq remote)
    val stored = ModelBundle.open(Bundles.digits())
    FileUtil.fullyDelete(folder.toFile)
    assert(ModelDistributor.toExecutors(stored, s"lake:$folder", context).isInstanceOf[DistributedModel.Broadcasted])
  }

  test("a stage loads from, and saves to, any Hadoop file system") {
    val folder = temporaryFolder().resolve("my vit")
    val stage = ViTForImageClassification.loadSavedModel(s"lake:${Bundles.digits()}", spark)
    stage.setInputCols("content").setRawPredictionCol("logits").write.save(s"lake:$folder")
    val loaded = ViTForImageClassification.load(s"lake:$folder")
    assert(loaded.getModelPath.contains(s"lake:$folder/bundle"))
    def logits(s: ViTForImageClassification) = s.transform(mixed).collect().map(_.getAs[Vector]("logits")).toSeq
    assert(logits(loaded) == logits(stage))
  }

  override def beforeAll(): Unit = {
    super.beforeAll()
    context.hadoopConfiguration.set("fs.lake.impl", classOf[LakeFileSystem].getName)
  }
}

/** The files of this machine under another scheme, like that of a data lake. */
class LakeFileSystem extends RawLocalFileSystem {
  override def getScheme: String = "lake"
  override def getUri: URI = URI.create("lake:///")
}
