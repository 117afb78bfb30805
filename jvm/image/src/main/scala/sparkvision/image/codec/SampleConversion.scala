package sparkvision.image.codec

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.opencv.global.opencv_core.{CV_16U, CV_8U}
import org.bytedeco.opencv.opencv_core.Mat

import sparkvision.image.codec.format.{BmpStructure, GifStructure, ImageHeader, ImageStructure}
import sparkvision.image.{ImageException, PixelRows, Pixels}

/** Converts the samples that OpenCV has decoded to 8-bit RGB, as Pillow does. */
private[codec] object SampleConversion {

  /** @param header
    *   that of `image`, with the size that the decoder was asked for
    * @param lasting
    *   memory that outlives `decoded`; RGB that the decoder has written there is not copied
    * @throws ImageException
    *   when the size is not the one in the header, or the samples are of an unsupported type
    */
  def toRgb(decoded: Mat, image: ImageStructure, header: ImageHeader, lasting: Option[BytePointer]): PixelRows = {
    val (width, height, channels) = (decoded.cols, decoded.rows, decoded.channels)
    val expected = Set((header.width, header.height), (header.uprightWidth, header.uprightHeight))
    if (!expected((width, height)))
      throw new ImageException(
        s"corrupt ${header.format}: its header says ${header.width} x ${header.height} pixels, " +
          s"its data $width x $height"
      )
    (decoded.depth, channels, image) match {
      case (CV_8U, 3, _) if lasting.exists(_.address == decoded.data.address) =>
        new NativeRows(width, height, decoded.data.capacity(3L * width * height).asByteBuffer)
      case (CV_8U, 3, bmp: BmpStructure) =>
        new Pixels(width, height, expanded(bytesOf(decoded, width * 3, height), bmp.greenBits))
      case (CV_8U, 3, _) => new Pixels(width, height, bytesOf(decoded, width * 3, height))
      case (CV_8U, 4, gif: GifStructure) =>
        val behind = gif.transparentColour.getOrElse(new Array[Byte](3))
        new Pixels(width, height, opaque(bytesOf(decoded, width * 4, height), behind))
      case (CV_16U, 1, _) => new Pixels(width, height, clipped(bytesOf(decoded, width * 2, height)))
      case (CV_16U, 3 | 4, _) =>
        new Pixels(width, height, topBytes(bytesOf(decoded, width * 2 * channels, height), channels))
      case (depth, _, _) =>
        throw new ImageException(
          s"unsupported ${header.format}: $channels channels of OpenCV's sample type $depth; convert it to 8-bit RGB"
        )
    }
  }

  private def bytesOf(decoded: Mat, rowLength: Int, rows: Int): Array[Byte] = {
    val bytes = new Array[Byte](Math.multiplyExact(rowLength, rows))
    if (decoded.isContinuous) decoded.data.capacity(bytes.length.toLong).get(bytes)
    else
      (0 until rows).foreach(row => decoded.ptr(row).capacity(rowLength.toLong).get(bytes, row * rowLength, rowLength))
    bytes
  }

  /** Scales the samples of a 16-bit BMP, which have 5 and 6 bits, to 0 to 255 as Pillow does; OpenCV only shifts them.
    *
    * @param greenBits
    *   None for any other BMP, which is returned as it is
    */
  private def expanded(rgb: Array[Byte], greenBits: Option[Int]): Array[Byte] = {
    greenBits.foreach { bits =>
      var i = 0
      while (i < rgb.length) {
        val sampleBits = if (i % 3 == 1) bits else 5
        rgb(i) = (((rgb(i) & 0xff) >> (8 - sampleBits)) * 255 / ((1 << sampleBits) - 1)).toByte
        i += 1
      }
    }
    rgb
  }

  /** Converts a GIF, blue first, in which transparent pixels get the colour of their index as in Pillow. */
  private def opaque(bgra: Array[Byte], behind: Array[Byte]): Array[Byte] = {
    val rgb = new Array[Byte](bgra.length / 4 * 3)
    var pixel = 0
    while (pixel < bgra.length / 4) {
      val transparent = bgra(pixel * 4 + 3) == 0
      rgb(pixel * 3) = if (transparent) behind(0) else bgra(pixel * 4 + 2)
      rgb(pixel * 3 + 1) = if (transparent) behind(1) else bgra(pixel * 4 + 1)
      rgb(pixel * 3 + 2) = if (transparent) behind(2) else bgra(pixel * 4)
      pixel += 1
    }
    rgb
  }

  /** Converts 16-bit grey. Pillow's mode `I;16` becomes RGB with every value above 255 set to 255. */
  private def clipped(samples: Array[Byte]): Array[Byte] = {
    val rgb = new Array[Byte](samples.length / 2 * 3)
    var pixel = 0
    while (pixel < samples.length / 2) {
      val value = if (samples(pixel * 2 + 1) != 0) -1: Byte else samples(pixel * 2)
      rgb(pixel * 3) = value
      rgb(pixel * 3 + 1) = value
      rgb(pixel * 3 + 2) = value
      pixel += 1
    }
    rgb
  }

  /** Converts 16-bit colour, blue first. Pillow keeps the upper byte of every sample; the samples are little-endian. */
  private def topBytes(samples: Array[Byte], channels: Int): Array[Byte] = {
    val rgb = new Array[Byte](samples.length / (2 * channels) * 3)
    var pixel = 0
    while (pixel < rgb.length / 3) {
      val blue = pixel * 2 * channels + 1
      rgb(pixel * 3) = samples(blue + 4)
      rgb(pixel * 3 + 1) = samples(blue + 2)
      rgb(pixel * 3 + 2) = samples(blue)
      pixel += 1
    }
    rgb
  }
}
