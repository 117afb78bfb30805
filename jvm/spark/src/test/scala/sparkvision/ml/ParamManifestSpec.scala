package sparkvision.ml

import java.lang.reflect.Modifier

import scala.io.Source
import scala.jdk.CollectionConverters._
import scala.util.Using

import com.fasterxml.jackson.databind.ObjectMapper
import org.apache.spark.ml.Transformer
import org.apache.spark.ml.util.Identifiable
import org.scalatest.funsuite.AnyFunSuite

class ParamManifestSpec extends AnyFunSuite {
  private val manifest = new ObjectMapper().readTree(ParamManifest.json).elements.asScala.toSeq
  private val classes = manifest.map(_.get("className").asText)

  test("the services file, by which Spark Connect finds stages, lists exactly the stages of the manifest") {
    val file = "META-INF/services/org.apache.spark.ml.Transformer"
    val ours = Using.resource(Source.fromResource(file))(_.getLines().filter(_.startsWith("sparkvision.")).toSeq)
    assert(ours == classes)
  }

  classes.foreach { name =>
    test(s"$name is built with no argument and with a uid") {
      val stageClass = Class.forName(name)
      assert(stageClass.getConstructor().newInstance().isInstanceOf[Transformer])
      val stage = stageClass.getConstructor(classOf[String]).newInstance("mine")
      assert(stage.asInstanceOf[Identifiable].uid == "mine")
    }

    test(s"$name is loaded by a static method, which is what a Spark Connect server calls") {
      val load = Class.forName(name).getMethod("load", classOf[String])
      assert(Modifier.isStatic(load.getModifiers))
    }

    test(s"$name has every Param as a value of the Param's name, with a setter and a getter") {
      val stage = Class.forName(name).getConstructor().newInstance().asInstanceOf[Transformer]
      val methods = stage.getClass.getMethods.map(_.getName).toSet
      stage.params.foreach { param =>
        assert(methods(param.name), param.name)
        assert(methods(s"set${param.name.capitalize}") && methods(s"get${param.name.capitalize}"), param.name)
      }
    }
  }

  test("every Param is documented in one sentence") {
    manifest.flatMap(_.get("params").elements.asScala).foreach { param =>
      val doc = param.get("doc").asText
      assert(doc.length > 20 && !doc.endsWith("."), param.get("name").asText)
    }
  }

  test("the manifest contains the allowed values, so that Python checks the same") {
    def param(stage: String, name: String) = manifest
      .find(_.get("className").asText == s"sparkvision.ml.$stage")
      .get
      .get("params")
      .elements
      .asScala
      .find(_.get("name").asText == name)
      .get
    val modes = param("ViTForImageClassification", "decodeMode").get("oneOf").elements.asScala.map(_.asText).toSeq
    assert(modes == Seq("exact", "fast"))
    val topK = param("SimilarImages", "topK")
    assert(topK.get("lowest").asInt == 1 && !topK.has("highest"))
    val distance = param("ImageDeduplicator", "maxHashDistance")
    assert(distance.get("lowest").asInt == 0 && distance.get("highest").asInt == 16)
    assert(!param("ImageDeduplicator", "idCol").has("oneOf"))
  }

  test("Params that mean 'as the bundle says' have no default") {
    val vit = new ViTForImageClassification
    val bundles = Seq(
      vit.size,
      vit.cropSize,
      vit.height,
      vit.width,
      vit.doResize,
      vit.doCenterCrop,
      vit.doRescale,
      vit.doNormalize,
      vit.resample,
      vit.imageMean,
      vit.imageStd,
      vit.rescaleFactor
    )
    bundles.foreach(param => assert(!vit.isDefined(param), param.name))
    assert(vit.getSize.isEmpty)
  }
}
