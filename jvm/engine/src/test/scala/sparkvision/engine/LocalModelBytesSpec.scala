package sparkvision.engine

import java.nio.file.{Files, Path}

import scala.jdk.CollectionConverters._
import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels}

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
    val folder = EmbeddedModels.unpacked(EmbeddedModels.Default)
    Files.delete(folder.resolve(BundleManifest.FileName))
    Using.resource(LocalModelBytes.open(EmbeddedModels.Default))(model => assert(model.labels.length == 10))
  }

  test("an embedded model that there is not is refused each time") {
    (1 to 2).foreach { _ =>
      assert(intercept[BundleException](LocalModelBytes.open("embedded:none")).getMessage.contains("embedded:none"))
    }
  }
}
