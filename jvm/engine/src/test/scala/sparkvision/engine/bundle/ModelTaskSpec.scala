package sparkvision.engine.bundle

import java.net.URLClassLoader

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.SparkVisionException

class ModelTaskSpec extends AnyFunSuite {
  private val tasks =
    Seq("ImageClassification", "FeatureExtraction", "ObjectDetection", "ZeroShotImageClassification")

  /** The engine, the image module and Scala's library, which a class loader of its own loads again. */
  private val places =
    Array[Class[_]](classOf[ModelTask], classOf[SparkVisionException], classOf[Option[_]])
      .map(_.getProtectionDomain.getCodeSource.getLocation)

  /** What a JVM that has met `first` before all else makes of a task's name. */
  private def parsed(name: String, first: String): String =
    Using.resource(new URLClassLoader(places, ClassLoader.getPlatformClassLoader)) { fresh =>
      Class.forName(s"sparkvision.engine.bundle.ModelTask$$$first$$", true, fresh)
      val companion = Class.forName("sparkvision.engine.bundle.ModelTask$", true, fresh)
      companion.getMethod("parse", classOf[String]).invoke(companion.getField("MODULE$").get(null), name).toString
    }

  tasks.foreach { first =>
    test(s"every task is found by its name where $first is the first that is used") {
      Seq(
        ModelTask.ImageClassification,
        ModelTask.FeatureExtraction,
        ModelTask.ObjectDetection,
        ModelTask.ZeroShotImageClassification
      ).foreach(task => assert(parsed(task.name, first) == task.toString))
    }
  }
}
