package sparkvision.engine.pipeline

import java.nio.file.Files

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.EmbeddedModels
import sparkvision.engine.runtime.Cancellation
import sparkvision.engine.session.{ExecutorRuntime, ModelListener, TaskSession}
import sparkvision.image.{Fixtures, ImageException, ImageInput}

class FixedSizePipelineSpec extends AnyFunSuite {

  test("an output that cannot be used is its own image's reason, and no other's") {
    val files = Fixtures.path("digits").resolve("7").toFile.listFiles.map(_.toPath).sorted.take(3)
    val runtime = ExecutorRuntime.ofThisProcess
    val bundle = runtime.openBundle(EmbeddedModels.Default)
    val settings = ModelSettings()
    Using.resource(
      new TaskSession(bundle, settings.sessionSettings, 8, runtime, ModelListener.Silent, Cancellation.Never)
    ) { session =>
      val pipeline = new FixedSizePipeline(bundle, settings, session, ModelListener.Silent)
      val outputs = Iterator("first", "second", "third")
      def postprocess(values: Array[Float]): String = outputs.next() match {
        case "second" => throw new ImageException("no direction")
        case place => place
      }
      val results = pipeline.results(files.iterator, bundle.manifest.outputs.head, postprocess) { file =>
        ImageInput.Encoded(Files.readAllBytes(file))
      }
      assert(results.map(_._2).toSeq == Seq(Right("first"), Left("no direction"), Right("third")))
    }
  }
}
