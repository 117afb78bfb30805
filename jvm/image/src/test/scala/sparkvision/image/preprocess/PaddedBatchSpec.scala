package sparkvision.image.preprocess

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.{ImageException, PixelSize}

class PaddedBatchSpec extends AnyFunSuite {

  /** An image whose values are all the same. */
  private def input(height: Int, width: Int, value: Float): DetectionInput = {
    val size = PixelSize(height, width)
    DetectionInput(size, size, Array.fill(3 * height * width)(value))
  }

  private val batch = PaddedBatch.of(Vector(input(1, 3, 7f), input(2, 1, 9f)), padSize = None, masked = true)

  private def values(batch: PaddedBatch): Seq[Float] =
    (0 until batch.images * batch.valuesEach).map(batch.values.get(_))

  private def mask(batch: PaddedBatch): Seq[Long] = {
    val mask = batch.mask.get
    (0 until mask.limit()).map(mask.get(_))
  }

  test("images lie in the upper left corner, with zeros below and right of them") {
    assert(batch.shape.toSeq == Seq(2L, 3L, 2L, 3L))
    val first = Seq(7f, 7f, 7f, 0f, 0f, 0f)
    val second = Seq(9f, 0f, 0f, 9f, 0f, 0f)
    assert(values(batch) == Seq.fill(3)(first).flatten ++ Seq.fill(3)(second).flatten)
  }

  test("the mask is 1 where an image is") {
    assert(mask(batch) == Seq(1L, 1L, 1L, 0L, 0L, 0L, 1L, 0L, 0L, 1L, 0L, 0L))
  }

  test("a part of a batch keeps the padded size") {
    val second = batch.slice(1, 1)
    assert(second.shape.toSeq == Seq(1L, 3L, 2L, 3L))
    assert(values(second) == values(batch).drop(18) && mask(second) == mask(batch).drop(6))
  }

  test("pad_size applies to every image") {
    val padded = PaddedBatch.of(Vector(input(1, 3, 7f)), Some(PixelSize(4, 5)), masked = false)
    assert(padded.shape.toSeq == Seq(1L, 3L, 4L, 5L) && padded.mask.isEmpty)
  }

  test("a batch of more bytes than a buffer can have is refused") {
    val large = PixelSize(20000, 20000)
    val inputs = Vector(input(1, 1, 0f))
    val refused = intercept[ImageException](PaddedBatch.of(inputs, Some(large), masked = false))
    assert(refused.reason.contains("20000 x 20000"))
  }
}
