package sparkvision.engine

import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder}

import scala.jdk.CollectionConverters._
import scala.util.Using

import com.fasterxml.jackson.databind.ObjectMapper
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.Fixtures

class LocalModelBytesSpec extends AnyFunSuite {

  /** The manifests under the folders that opened models were unpacked into. */
  private def unpacked(): Set[Path] = {
    val temporary = Path.of(sys.props("java.io.tmpdir"))
    val roots = Using.resource(Files.list(temporary))(
      _.iterator.asScala.filter(_.getFileName.toString.startsWith("sparkvision")).toSeq
    )
    roots.flatMap { root =>
      Using.resource(Files.walk(root))(_.iterator.asScala.filter(_.endsWith(BundleManifest.FileName)).toSeq)
    }.toSet
  }

  test("an embedded model is unpacked once, however often it is opened") {
    LocalModelBytes.open(EmbeddedModels.Default).close()
    val afterFirst = unpacked()
    (1 to 3).foreach(_ => LocalModelBytes.open(EmbeddedModels.Default).close())
    assert(afterFirst.nonEmpty && unpacked() == afterFirst)
  }

  test("an unpacked model that somebody deleted is unpacked anew") {
    val folder = ExecutorRuntime.ofThisProcess.unpacked(EmbeddedModels.Default)
    Files.delete(folder.resolve(BundleManifest.FileName))
    Using.resource(LocalModelBytes.open(EmbeddedModels.Default))(model => assert(model.labels.length == 10))
  }

  test("an embedded model that there is not is refused each time") {
    (1 to 2).foreach { _ =>
      assert(intercept[BundleException](LocalModelBytes.open("embedded:none")).getMessage.contains("embedded:none"))
    }
  }

  private val image = Files.readAllBytes(Fixtures.path("digits").resolve("7").toFile.listFiles.map(_.toPath).min)

  private def packed(image: Array[Byte]): Array[Byte] =
    ByteBuffer.allocate(4 + image.length).order(ByteOrder.LITTLE_ENDIAN).putInt(image.length).put(image).array

  /** The number of labels of the one image. */
  private def labels(json: String): Int = new ObjectMapper().readTree(json).get(0).get("best").size

  test("predict reports as many labels as the caller says, or as the settings say for 0 or less") {
    val images = packed(image)
    Using.resource(LocalModelBytes.openWith(EmbeddedModels.Default, """{"topK": 4}""")) { model =>
      assert(Seq(2, 0, -1).map(topK => labels(model.predict(images, topK))) == Seq(2, 4, 4))
    }
  }
}
