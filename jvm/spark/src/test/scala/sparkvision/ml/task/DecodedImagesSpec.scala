package sparkvision.ml.task

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.{Fixtures, ImageInput, Pixels}
import sparkvision.ml.LocalSpark

class DecodedImagesSpec extends AnyFunSuite {
  private val files = LocalSpark.someDigits(4).map(_._2)
  private val bytesOfOne = 32 * 32 * 3
  private lazy val photo = Fixtures.bytes("photos/rocket_falcon9_launch.jpg")

  /** The images that are kept, and the listener of a stage that decodes, before another stage that takes images. */
  private def wanted(mostBytes: => Long): (DecodedImages, ModelListener) = {
    val images = new DecodedImages(mostBytes)
    val stage = images.ofStage()
    images.keep()
    (images, stage)
  }

  private def decode(stage: ModelListener, several: Seq[Array[Byte]] = files): Seq[Pixels] = several.map { file =>
    val pixels = ImageDecoder.decode(file)
    stage.decoded(file, pixels, nanos = 1)
    pixels
  }

  private def taken(images: DecodedImages, file: Array[Byte]): Option[Pixels] =
    images.take(ImageInput.Encoded(file), Long.MaxValue) match {
      case ImageInput.Decoded(pixels) => Some(pixels)
      case _ => None
    }

  test("an image is found by its bytes, whichever array holds them, until another is taken") {
    val (images, stage) = wanted(1 << 20)
    val pixels = decode(stage)
    assert((1 to 2).forall(_ => taken(images, files(2).clone()).exists(_ eq pixels(2))))
    assert(taken(images, files.head).exists(_ eq pixels.head))
    assert(taken(images, files(2)).isEmpty)
  }

  test("no image is kept before a later stage takes images") {
    val images = new DecodedImages(1 << 20)
    val _ = decode(images.ofStage())
    images.keep()
    decode(images.ofStage())
    assert(files.forall(taken(images, _).isEmpty))
  }

  test("the oldest images are dropped first") {
    val (images, stage) = wanted(2L * bytesOfOne + files.map(_.length).sum)
    val _ = decode(stage)
    assert(files.map(taken(images, _).isDefined) == Seq(false, false, true, true))
  }

  test("images are dropped when other tasks start and the limit of each task falls") {
    var most = 1L << 20
    val (images, stage) = wanted(most)
    val _ = decode(stage)
    most = bytesOfOne.toLong + files.head.length
    decode(stage, files.take(1))
    assert(files.tail.forall(taken(images, _).isEmpty) && taken(images, files.head).isDefined)
  }

  test("an image that is larger than the limit does not displace others") {
    val (images, stage) = wanted(files.head.length + bytesOfOne.toLong)
    val _ = decode(stage, Seq(files.head, photo))
    assert(taken(images, photo).isEmpty && taken(images, files.head).isDefined)
  }

  test("the smaller image of fast decoding is not kept") {
    def kept(mode: DecodeMode) = {
      val (images, stage) = wanted(1L << 30)
      val model = new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(decodeMode = mode), stage)
      try assert(model.predictions(Iterator(photo))(ImageInput.Encoded).forall(_._2.isRight))
      finally model.close()
      taken(images, photo)
    }
    assert(kept(DecodeMode.Exact).exists(_.rgb.toSeq == ImageDecoder.decode(photo).rgb.toSeq))
    assert(kept(DecodeMode.Fast).isEmpty)
  }
}
