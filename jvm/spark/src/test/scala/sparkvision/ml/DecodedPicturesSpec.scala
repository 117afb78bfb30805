package sparkvision.ml

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine._

class DecodedPicturesSpec extends AnyFunSuite {
  private val files = LocalSpark.someDigits(4).map(_._2)
  private val bytesOfOne = 32 * 32 * 3
  private lazy val photo = Fixtures.bytes("photos/rocket_falcon9_launch.jpg")

  /** What is kept of a stage that decodes, and the stage; another after it takes pictures. */
  private def wanted(mostBytes: => Long): (DecodedPictures, ModelListener) = {
    val pictures = new DecodedPictures(mostBytes)
    val stage = pictures.ofStage()
    pictures.keep()
    (pictures, stage)
  }

  private def decode(stage: ModelListener, several: Seq[Array[Byte]] = files): Seq[Pixels] = several.map { file =>
    val pixels = ImageDecoder.decode(file)
    stage.decoded(file, pixels, nanos = 1)
    pixels
  }

  private def taken(pictures: DecodedPictures, file: Array[Byte]): Option[Pixels] =
    pictures.take(Picture.Encoded(file), Long.MaxValue) match {
      case Picture.Decoded(pixels) => Some(pixels)
      case _ => None
    }

  test("a picture is found by its bytes, whichever array holds them, until another is taken") {
    val (pictures, stage) = wanted(1 << 20)
    val pixels = decode(stage)
    assert((1 to 2).forall(_ => taken(pictures, files(2).clone()).exists(_ eq pixels(2))))
    assert(taken(pictures, files.head).exists(_ eq pixels.head))
    assert(taken(pictures, files(2)).isEmpty)
  }

  test("nothing is kept before somebody wants it, nor of a stage behind all who do") {
    val pictures = new DecodedPictures(1 << 20)
    val _ = decode(pictures.ofStage())
    pictures.keep()
    decode(pictures.ofStage())
    assert(files.forall(taken(pictures, _).isEmpty))
  }

  test("the oldest pictures make room") {
    val (pictures, stage) = wanted(2L * bytesOfOne + files.map(_.length).sum)
    val _ = decode(stage)
    assert(files.map(taken(pictures, _).isDefined) == Seq(false, false, true, true))
  }

  test("when other tasks start, so that there is less room for each, pictures make room") {
    var most = 1L << 20
    val (pictures, stage) = wanted(most)
    val _ = decode(stage)
    most = bytesOfOne.toLong + files.head.length
    decode(stage, files.take(1))
    assert(files.tail.forall(taken(pictures, _).isEmpty) && taken(pictures, files.head).isDefined)
  }

  test("a picture larger than all the room drives no other out") {
    val (pictures, stage) = wanted(files.head.length + bytesOfOne.toLong)
    val _ = decode(stage, Seq(files.head, photo))
    assert(taken(pictures, photo).isEmpty && taken(pictures, files.head).isDefined)
  }

  test("a model's fast decoding leaves no smaller picture") {
    def kept(mode: DecodeMode) = {
      val (pictures, stage) = wanted(1L << 30)
      val model = new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(decodeMode = mode), stage)
      try assert(model.predictions(Iterator(photo))(Picture.Encoded).forall(_._2.isRight))
      finally model.close()
      taken(pictures, photo)
    }
    assert(kept(DecodeMode.Exact).exists(_.rgb.toSeq == ImageDecoder.decode(photo).rgb.toSeq))
    assert(kept(DecodeMode.Fast).isEmpty)
  }
}
