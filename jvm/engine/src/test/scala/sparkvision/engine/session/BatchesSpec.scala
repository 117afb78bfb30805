package sparkvision.engine.session

import java.nio.FloatBuffer

import scala.collection.mutable

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.{ImageException, ImageInput, ParameterException}

class BatchesSpec extends AnyFunSuite {

  /** Batches whose images are one float each (the first byte), and whose model doubles it. */
  private class Doubling(batchSize: Int) {
    val batches: mutable.ArrayBuffer[Int] = mutable.ArrayBuffer[Int]()

    private def prepare(image: ImageInput, target: FloatBuffer): Unit = image match {
      case ImageInput.Encoded(bytes) =>
        target.put(bytes.head.toFloat)
        ()
      case ImageInput.Unusable(reason) => throw new ImageException(reason)
      case other => fail(s"unexpected $other")
    }

    private def run(batch: FloatBuffer, images: Int): IndexedSeq[Float] = {
      batches += images
      (0 until images).map(i => batch.get(i) * 2)
    }

    private val images = new FixedSizeBatches[ImageInput, Float](batchSize, 1, prepare, run)

    def results(items: Iterator[Int]): Iterator[(Int, Either[String, Float])] = images.results(items) { i =>
      if (i < 0) ImageInput.Unusable(s"bad $i") else ImageInput.Encoded(Array(i.toByte))
    }
  }

  test("every image keeps its own result, in order") {
    val results = new Doubling(4).results(Iterator.range(0, 10)).toSeq
    assert(results == (0 until 10).map(i => i -> Right(i * 2f)))
  }

  test("batches are full but for the last") {
    val doubling = new Doubling(4)
    doubling.results(Iterator.range(0, 10)).foreach(_ => ())
    assert(doubling.batches.toSeq == Seq(4, 4, 2))
  }

  test("bad images keep their place and take none in a batch") {
    val doubling = new Doubling(2)
    val items = Seq(-1, 1, -2, -3, 2, 3, -4)
    val expected = items.map(i => i -> (if (i < 0) Left(s"bad $i") else Right(i * 2f)))
    assert(doubling.results(items.iterator).toSeq == expected)
    assert(doubling.batches.toSeq == Seq(2, 1))
  }

  test("no batch is run when no image is usable") {
    val doubling = new Doubling(2)
    assert(
      doubling.results(Iterator(-1, -2, -3)).map(_._2).toSeq == Seq(Left("bad -1"), Left("bad -2"), Left("bad -3"))
    )
    assert(doubling.batches.isEmpty)
  }

  test("a long row of bad images is handed on before the input ends") {
    var read = 0
    val endless = Iterator(1) ++ Iterator.continually { read += 1; -1 }
    new Doubling(2).results(endless).take(10).foreach(_ => ())
    assert(read < 100)
  }

  test("an empty input gives an empty output") {
    assert(new Doubling(2).results(Iterator.empty).isEmpty)
  }

  test("a batch size of 0 is refused") {
    Seq[() => Any](() => Batches.requireSize(0), () => new Doubling(0)).foreach { refused =>
      assert(intercept[ParameterException](refused()).getMessage == "batchSize must be at least 1, not 0.")
    }
  }

  test("a batch of more bytes than a buffer can have is refused, naming the largest") {
    val message = intercept[ParameterException](Batches.requireSize(3567, 3L * 224 * 224)).getMessage
    assert(message.contains("at most 3566, not 3567"))
    Batches.requireSize(3566, 3L * 224 * 224)
  }

  test("an image of more bytes than a buffer can have is refused") {
    assert(
      intercept[ParameterException](Batches.requireSize(1, 3L * 20000 * 20000)).getMessage.contains("One image")
    )
  }

  test("a model refuses such a batch when it is made, before any image") {
    val bundle = ModelBundle.open(Bundles.digits())
    val message =
      intercept[ParameterException](new LocalModel(bundle, ModelSettings(batchSize = Some(174763)))).getMessage
    // 2^31 - 1 bytes hold 174762 images of 3 x 32 x 32 floats.
    assert(message.contains("at most 174762, not 174763"))
  }
}
