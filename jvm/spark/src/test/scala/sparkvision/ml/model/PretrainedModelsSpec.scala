package sparkvision.ml.model

import java.nio.file.{Files, Path}

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.hadoop.hdfs.MiniDFSCluster
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, BundleManifest, Bundles}
import sparkvision.image.ParameterException
import sparkvision.ml.{ImageClassification, LocalSpark}

/** Models by name, in a real HDFS. */
class PretrainedModelsSpec extends AnyFunSuite with LocalSpark {

  private lazy val hdfs: MiniDFSCluster = {
    val configuration = new Configuration
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, temporaryFolder().toString)
    new MiniDFSCluster.Builder(configuration).numDataNodes(1).build()
  }

  private def home(name: String): String = hdfs.getURI.resolve(s"/$name").toString

  override def afterAll(): Unit = {
    spark.conf.unset("spark.sparkvision.modelHome")
    hdfs.shutdown()
    super.afterAll()
  }

  private def find(name: String, environment: (String, String)*): String =
    PretrainedModels.find(name, spark, environment.toMap)

  private def withHome[A](uri: String)(work: => A): A = {
    spark.conf.set("spark.sparkvision.modelHome", uri)
    try work
    finally spark.conf.unset("spark.sparkvision.modelHome")
  }

  private def push(folder: Path, home: String, name: String): String =
    PretrainedModels.push(folder.toString, home, name, spark)

  test("a model pushed to HDFS is a stage by its name, with its own labels") {
    val at = push(Bundles.relabelled(), home("a"), "other-digits")
    assert(at == home("a") + "/other-digits/1")
    withHome(home("a")) {
      val stage = ImageClassification.pretrained("other-digits")
      assert(stage.getModelPath.contains(at) && stage.labels.head == "another 0")
      val labelled = stage.setInputCols("content").setOutputCol("class").transform(mixed)
      assert(labelled.select("class.result").head().getSeq[String](0).head.startsWith("another"))
      assert(ImageClassification.load("pretrained:other-digits").getModelPath.contains(at))
    }
  }

  test("the newest version is used unless one is named, and numbers are compared by value") {
    Seq("1.9" -> Bundles.digits(), "1.10" -> Bundles.relabelled()).foreach { case (version, bundle) =>
      push(bundle, home("b"), s"google/vit:$version")
    }
    withHome(home("b")) {
      assert(find("google/vit").endsWith("/google/vit/1.10"))
      assert(find("google/vit:1.9").endsWith("/google/vit/1.9"))
    }
  }

  test("a bundle that is the newest version already is not pushed again; another gets the next number") {
    val pushed = Seq(Bundles.digits(), Bundles.digits(), Bundles.relabelled()).map(push(_, home("c"), "m"))
    assert(pushed.map(_.split('/').last) == Seq("1", "1", "2"))
  }

  test("a version is never replaced by another bundle") {
    push(Bundles.digits(), home("d"), "m:1")
    val refused = intercept[BundleException](push(Bundles.relabelled(), home("d"), "m:1"))
    assert(refused.getMessage.contains("a version is never replaced"))
  }

  test("a folder with other files is refused and left unchanged; the leftovers of a failed push are completed") {
    val home = temporaryFolder()
    val photo = Files.createFile(Files.createDirectories(home.resolve("photos/2024")).resolve("a.jpg"))
    val message = intercept[BundleException](push(Bundles.digits(), home.toString, "photos:2024")).getMessage
    assert(message.contains("is not a bundle, and holds other files (a.jpg)") && Files.exists(photo))
    Files.createFile(Files.createDirectories(home.resolve("digits/1")).resolve("model.onnx"))
    assert(push(Bundles.digits(), home.toString, "digits:1").endsWith("/digits/1"))
    assert(Files.exists(home.resolve("digits/1/sparkvision.json")))
  }

  test("a failed push leaves no files") {
    val fileSystem = hdfs.getFileSystem
    fileSystem.mkdirs(new HadoopPath("/full"))
    // Less than one block: the folder may be made, and no file in it.
    fileSystem.setQuota(new HadoopPath("/full"), Long.MaxValue - 1, 1 << 20)
    val refused = intercept[BundleException](push(Bundles.digits(), home("full"), "m"))
    assert(refused.getMessage.contains("cannot be written to"))
    assert(!fileSystem.exists(new HadoopPath("/full/m/1")))
  }

  test("a damaged bundle is neither pushed nor loaded") {
    val damaged = Bundles.digits()
    push(damaged, home("e"), "m")
    Bundles.flipByte(damaged.resolve(BundleManifest.GraphFile))
    assert(intercept[BundleException](push(damaged, home("e"), "n")).getMessage.contains("is damaged"))
    val graph = new HadoopPath("/e/m/1", BundleManifest.GraphFile)
    hdfs.getFileSystem.copyFromLocalFile(false, true, new HadoopPath(damaged.resolve("model.onnx").toUri), graph)
    withHome(home("e")) {
      assert(intercept[BundleException](ImageClassification.pretrained("m")).getMessage.contains("is damaged"))
    }
  }

  test("the embedded models come first, then SPARKVISION_HOME, then spark.sparkvision.modelHome") {
    val local = temporaryFolder()
    Seq(local.toUri.toString, home("f")).foreach { place =>
      Seq("digits", "both").foreach(push(Bundles.digits(), place, _))
    }
    push(Bundles.digits(), home("f"), "shared")
    val environment = "SPARKVISION_HOME" -> local.toString
    withHome(home("f")) {
      assert(find("digits", environment) == "embedded:digits")
      assert(find("both", environment) == new HadoopPath(local.toUri.toString, "both/1").toString)
      assert(find("shared", environment) == home("f") + "/shared/1")
      val listed =
        PretrainedModels.list(spark, Map(environment)).collect().map(row => row.getString(0) -> row.getString(3))
      assert(
        listed.toSeq == Seq("digits" -> "embedded") ++ Seq("both", "digits").map(_ -> "SPARKVISION_HOME") ++
          Seq("both", "digits", "shared").map(_ -> "spark.sparkvision.modelHome")
      )
    }
  }

  test("other folders in a home are not models") {
    val local = temporaryFolder()
    push(Bundles.digits(), local.toUri.toString, "m")
    Files.createDirectories(local.resolve("notes/drafts"))
    // As Spark Connect clients upload bundles: a folder named by a hash, without a version.
    Files.move(Bundles.digits(), local.resolve("0" * 64))
    withHome(local.toString)(assert(PretrainedModels.list(spark, Map.empty).count() == 2))
  }

  test("a missing model is refused with the places that were searched and the commands that make it") {
    push(Bundles.digits(), home("g"), "google/vit:1")
    withHome(home("g")) {
      val refused = intercept[BundleException](find("google/vit:2")).getMessage
      assert(
        refused.contains("(digits)") && refused.contains("SPARKVISION_HOME (not set)") && refused.contains(
          "versions 1)"
        )
      )
      assert(
        refused.contains(
          s"`sparkvision export google/vit vit && sparkvision push vit ${home("g")} --name google/vit:2`"
        )
      )
    }
  }

  test("a home that cannot be reached is refused by its URI") {
    spark.sparkContext.hadoopConfiguration.setInt("ipc.client.connect.max.retries", 0)
    withHome("hdfs://localhost:1/models") {
      assert(intercept[BundleException](find("m")).getMessage.contains("hdfs://localhost:1/models cannot be read"))
    }
  }

  test("a home that is not a URI is refused with its text") {
    withHome("hdfs:") {
      assert(intercept[BundleException](find("m")).getMessage.contains("The model home hdfs: cannot be read"))
    }
  }

  test("a name that would lead out of the home is refused") {
    Seq("../m", "a/../b", "m:", "", "/m", "a/b/c").foreach { name =>
      assert(intercept[ParameterException](find(name)).getMessage.contains(s"'$name' is not the name"))
    }
  }
}
