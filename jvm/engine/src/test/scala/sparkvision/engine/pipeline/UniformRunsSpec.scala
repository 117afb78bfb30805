package sparkvision.engine.pipeline

import java.nio.file.Files

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.EmbeddedModels
import sparkvision.engine.runtime.Cancellation
import sparkvision.engine.session.{ModelListener, ModelSession}
import sparkvision.image.{Fixtures, ImageException, ImageInput}

class UniformRunsSpec extends AnyFunSuite {

  test("an output that cannot be used is its own image's reason, and no other's") {
    val files = Fixtures.path("digits").resolve("7").toFile.listFiles.map(_.toPath).sorted.take(3)
    val bundle = LocalModel.bundle(EmbeddedModels.Default)
    val settings = ModelSettings()
    Using.resource(new ModelSession(bundle, settings, ModelListener.Silent, Cancellation.Never)) { session =>
      val runs = new UniformRuns(bundle, settings, session, ModelListener.Silent)
      val outputs = Iterator("first", "second", "third")
      def postprocess(values: Array[Float]): String = outputs.next() match {
        case "second" => throw new ImageException("no direction")
        case place => place
      }
      val results = runs.results(files.iterator, bundle.manifest.outputs.head, postprocess) { file =>
        ImageInput.Encoded(Files.readAllBytes(file))
      }
      assert(results.map(_._2).toSeq == Seq(Right("first"), Left("no direction"), Right("third")))
    }
  }
}
