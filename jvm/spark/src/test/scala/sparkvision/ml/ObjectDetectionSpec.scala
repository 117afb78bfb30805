package sparkvision.ml

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles, ModelBundle, ModelTask}

/** Which bundles the stages for detection run; their results are compared with transformers in tests/spark. */
class ObjectDetectionSpec extends AnyFunSuite with LocalSpark {

  private val detector = ModelBundle
    .open(Bundles.digits())
    .manifest
    .copy(task = ModelTask.ObjectDetection, architecture = "RTDetrForObjectDetection")

  test("ObjectDetection runs detectors of every architecture") {
    new ObjectDetection().setModelPath("my-detector").requireRunnable(detector)
  }

  test("a named stage refuses detectors of other architectures, naming the generic stage") {
    val refused = intercept[BundleException](
      new DetrForObjectDetection().setModelPath("my-detector").requireRunnable(detector)
    )
    assert(refused.getMessage.contains("holds a RTDetrForObjectDetection, but DetrForObjectDetection runs"))
    assert(refused.getMessage.contains("Use ObjectDetection."))
  }

  test("a classification bundle is refused, naming its stage") {
    Seq(ObjectDetection, YolosForObjectDetection).foreach { companion =>
      val refused = intercept[BundleException](companion.loadSavedModel("embedded:digits", spark))
      assert(refused.getMessage.contains("finds no objects. Use ViTForImageClassification"))
    }
  }
}
