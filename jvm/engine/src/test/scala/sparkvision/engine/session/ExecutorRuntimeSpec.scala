package sparkvision.engine.session

import java.nio.file.{Files, Path}

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.EmbeddedModels
import sparkvision.image.{Fixtures, ImageInput, ParameterException}

class ExecutorRuntimeSpec extends AnyFunSuite {

  private def label(runtime: ExecutorRuntime): String = {
    val image = Files.readAllBytes(Fixtures.path("digits").resolve("7").toFile.listFiles.map(_.toPath).min)
    val bundle = runtime.openBundle(EmbeddedModels.Default)
    Using.resource(new LocalModel(bundle, runtime = runtime)) { model =>
      model.predictions(Iterator(image))(ImageInput.Encoded).next()._2.toOption.get.best.head.label
    }
  }

  test("models of one runtime share a session, and those of another runtime have their own") {
    Using.resources(new ExecutorRuntime, new ExecutorRuntime) { (one, other) =>
      assert(Seq(one, one, other).map(label) == Seq("7", "7", "7"))
      assert(one.sessions.openedCount == 1 && other.sessions.openedCount == 1)
    }
  }

  test("a part is created once, and closed with the runtime") {
    final class Part extends AutoCloseable {
      var isClosed = false
      override def close(): Unit = isClosed = true
    }
    val runtime = new ExecutorRuntime
    val part = runtime.part(classOf[Part])(new Part)
    assert(runtime.part(classOf[Part])(fail("created again")) eq part)
    runtime.close()
    assert(part.isClosed)
  }

  test("an embedded model is unpacked once, and its folder is deleted with the runtime") {
    val runtime = new ExecutorRuntime
    val folders = Seq.fill(2)(runtime.unpacked(EmbeddedModels.Default))
    assert(folders.distinct.size == 1 && Files.isDirectory(folders.head))
    runtime.close()
    assert(!Files.exists(folders.head))
  }

  test("a folder is opened where it is") {
    Using.resource(new ExecutorRuntime) { runtime =>
      val folder = runtime.unpacked(EmbeddedModels.Default)
      assert(runtime.openBundle(folder.toString).folder == folder)
      intercept[ParameterException](runtime.openBundle(Path.of("/no/such/bundle").toString))
    }
  }
}
