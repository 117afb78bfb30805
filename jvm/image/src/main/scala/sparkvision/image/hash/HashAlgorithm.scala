package sparkvision.image.hash

import sparkvision.image.resample.{Resample, ResampleFilter}
import sparkvision.image.{NamedValue, NamedValues, PixelRows, Pixels}

/** A perceptual hash: 64 bits that hardly change when an image is scaled, re-encoded or slightly edited.
  *
  * For the same pixels the bits equal those of the Python library imagehash 4.3.2 with its default size: the hash in 16
  * hexadecimal digits is `str(imagehash.phash(image))`.
  */
sealed abstract class HashAlgorithm(val name: String) extends NamedValue {

  /** The hash of an image. The first bit is the highest bit of the number.
    *
    * @example
    *   {{{HashAlgorithm.PHash.hash(ImageDecoder.decode(bytes)).toHexString}}}
    */
  def hash(pixels: PixelRows): Long
}

object HashAlgorithm extends NamedValues[HashAlgorithm]("algorithm") {

  /** A bit for each of the 8 x 8 lowest frequencies of the image, scaled to 32 x 32 grey pixels: whether the frequency is above
    * the median.
    */
  case object PHash extends HashAlgorithm("phash") {
    private val Side = 8

    override def hash(pixels: PixelRows): Long = {
      val samples = greySamples(pixels, CosineTransform.Length, CosineTransform.Length)
      val columns = samples.transpose.map(column => CosineTransform(column.map(_.toDouble)))
      val lowest = columns.transpose.take(Side).flatMap(row => CosineTransform(row).take(Side))
      val sorted = lowest.sorted
      val median = (sorted(lowest.length / 2 - 1) + sorted(lowest.length / 2)) / 2
      packed(lowest.map(_ > median))
    }
  }

  /** A bit for each two neighbours in a row of the image, scaled to 9 x 8 grey pixels: whether the right one is lighter. */
  case object DHash extends HashAlgorithm("dhash") {
    override def hash(pixels: PixelRows): Long =
      packed(
        greySamples(pixels, 9, 8).flatMap(row => row.init.zip(row.tail).map { case (left, right) => right > left })
      )
  }

  override val all: Seq[HashAlgorithm] = Seq(PHash, DHash)

  /** The rows of the scaled grey image, with samples from 0 to 255. */
  private def greySamples(pixels: PixelRows, width: Int, height: Int): Array[Array[Int]] = {
    val small = Resample.resize(grey(pixels), width, height, ResampleFilter.Lanczos)
    Array.tabulate(height, width)((row, column) => small.rgb((row * width + column) * 3) & 0xff)
  }

  /** The image in grey as by Pillow's `convert("L")`: ITU-R 601-2 luma in fixed point (`L24` in Convert.c), in all three
    * channels.
    */
  private def grey(pixels: PixelRows): Pixels = {
    val rgb = pixels.bytes
    val grey = new Array[Byte](pixels.width * pixels.height * 3)
    var at = 0
    while (at < grey.length) {
      val (red, green, blue) = (rgb.get(at) & 0xff, rgb.get(at + 1) & 0xff, rgb.get(at + 2) & 0xff)
      val sample = ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).toByte
      grey(at) = sample
      grey(at + 1) = sample
      grey(at + 2) = sample
      at += 3
    }
    new Pixels(pixels.width, pixels.height, grey)
  }

  private def packed(bits: Array[Boolean]): Long = bits.foldLeft(0L)((hash, bit) => hash << 1 | (if (bit) 1L else 0L))
}
