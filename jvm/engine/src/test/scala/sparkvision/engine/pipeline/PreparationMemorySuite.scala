package sparkvision.engine.pipeline

import java.nio.file.{Files, Path}

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.SmallHeap
import sparkvision.image.{Fixtures, ImageInput, PixelRows, Pixels}

class PreparationMemorySuite extends AnyFunSuite {
  test("an image of which a listener can keep no copy is refused with its size, and the next one is prepared") {
    val next = Fixtures.path("photos/cat_chelsea.png").toString
    // The decoder's own memory, which is no heap, holds its 61 MB.
    val output = SmallHeap.printed("64m", classOf[KeepInSmallHeap].getName, SmallHeap.jpeg(4500), next)
    assert(output.contains("too large for this process's memory: 4500 x 4500"))
    assert(output.contains("kept 451 x 300\nprepared 3072 floats"))
  }

  test("an image whose resampling the heap cannot hold is refused with its size, and the next one is prepared") {
    val output = SmallHeap.printed("48m", classOf[ResampleInSmallHeap].getName)
    assert(output.contains("too large for this process's memory: 1 x 5000000"))
    assert(output.contains("prepared 3072 floats"))
  }
}

object PreparationMemorySuite {
  def print(prepared: Either[String, Array[Float]]): Unit =
    println(prepared.fold(identity, floats => s"prepared ${floats.length} floats"))
}

/** Prepares the images that it is given, and keeps copies of their pixels; run as a program. */
final class KeepInSmallHeap

object KeepInSmallHeap {
  private val keeping = new ModelListener {
    override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit = {
      val kept = pixels.toPixels
      println(s"kept ${kept.width} x ${kept.height}")
    }
  }

  def main(images: Array[String]): Unit =
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(), keeping)) { model =>
      val files = images.iterator.map(image => Files.readAllBytes(Path.of(image)))
      model.preprocessed(files)(ImageInput.Encoded).map(_._2).foreach(PreparationMemorySuite.print)
    }
}

/** Prepares an image so high that its resampling weights alone take 40 MB, and then a small one; run as a program. */
final class ResampleInSmallHeap

object ResampleInSmallHeap {
  def main(arguments: Array[String]): Unit =
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()))) { model =>
      val images = Iterator(5000000, 1).map(height => new Pixels(1, height, new Array[Byte](3 * height)))
      model.preprocessed(images)(ImageInput.Decoded).map(_._2).foreach(PreparationMemorySuite.print)
    }
}
