package sparkvision.ml

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine._

class DecodedPicturesSpec extends AnyFunSuite {
  private val files = LocalSpark.someDigits(4).map(_._2)
  private val bytesOfOne = 32 * 32 * 3
  private lazy val photo = Fixtures.bytes("photos/rocket_falcon9_launch.jpg")

  private def wanted(mostBytes: => Long): DecodedPictures = {
    val pictures = new DecodedPictures(mostBytes)
    pictures.keep()
    pictures
  }

  private def decode(pictures: DecodedPictures): Seq[Pixels] = files.map { file =>
    val pixels = ImageDecoder.decode(file)
    pictures.decoded(file, pixels, nanos = 1)
    pixels
  }

  test("a picture is found by its bytes, whichever array holds them, and then no more") {
    val pictures = wanted(1 << 20)
    val pixels = decode(pictures)
    assert(pictures.take(files(2).clone()).exists(_ eq pixels(2)))
    assert(pictures.take(files(2)).isEmpty)
    assert(pictures.take(files.head).exists(_ eq pixels.head))
  }

  test("nothing is kept before somebody wants it") {
    val pictures = new DecodedPictures(1 << 20)
    val _ = decode(pictures)
    assert(files.forall(pictures.take(_).isEmpty))
  }

  test("the oldest pictures make room") {
    val pictures = wanted(2L * bytesOfOne + files.map(_.length).sum)
    val _ = decode(pictures)
    assert(files.map(pictures.take(_).isDefined) == Seq(false, false, true, true))
  }

  test("when other tasks start, so that there is less room for each, pictures make room") {
    var most = 1L << 20
    val pictures = wanted(most)
    val _ = decode(pictures)
    most = bytesOfOne.toLong + files.head.length
    pictures.decoded(files.head, ImageDecoder.decode(files.head), nanos = 1)
    assert(files.tail.forall(pictures.take(_).isEmpty) && pictures.take(files.head).isDefined)
  }

  test("a picture larger than all the room drives no other out") {
    val pictures = wanted(files.head.length + bytesOfOne.toLong)
    val _ = pictures.decoded(files.head, ImageDecoder.decode(files.head), nanos = 1)
    pictures.decoded(photo, ImageDecoder.decode(photo), nanos = 1)
    assert(pictures.take(photo).isEmpty && pictures.take(files.head).isDefined)
  }

  test("a model's fast decoding leaves no smaller picture") {
    def kept(mode: DecodeMode) = {
      val pictures = wanted(1L << 30)
      val model = new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(decodeMode = mode), pictures)
      try assert(model.predictions(Iterator(photo))(Picture.Encoded).forall(_._2.isRight))
      finally model.close()
      pictures.take(photo)
    }
    assert(kept(DecodeMode.Exact).exists(_.rgb.toSeq == ImageDecoder.decode(photo).rgb.toSeq))
    assert(kept(DecodeMode.Fast).isEmpty)
  }
}
