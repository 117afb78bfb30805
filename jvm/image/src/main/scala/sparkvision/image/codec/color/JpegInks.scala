package sparkvision.image.codec.color

import java.awt.image.Raster
import java.io.{ByteArrayInputStream, IOException}
import javax.imageio.stream.MemoryCacheImageInputStream
import javax.imageio.{ImageIO, ImageReader}

import scala.jdk.CollectionConverters._
import scala.util.Using

import sparkvision.image.codec.format.{ByteReader, ImageHeader}
import sparkvision.image.{ImageException, Pixels}

/** Four-ink JPEGs (CMYK and YCCK) to RGB.
  *
  * OpenCV hands out no inks, and turns them into RGB by a formula that differs from Pillow's by up to 2. The JDK's own
  * JPEG reader gives the samples as they are stored; its libjpeg computes the same samples as Pillow's.
  */
private[sparkvision] object JpegInks {

  /** @param adobeTransform
    *   the colour transform that an Adobe marker names
    */
  def toRgb(header: ImageHeader, reader: ByteReader, adobeTransform: Option[Int]): Pixels = {
    val samples = storedSamples(header, reader)
    // As libjpeg guesses (jdapimin.c, default_decompress_parms): 0 and no marker are CMYK, 2 and what is unknown YCCK.
    if (adobeTransform.exists(_ != 0)) CmykConversion.fromYcck(samples)
    // Pillow assumes Adobe's polarity in every JPEG: 255 is no ink.
    CmykConversion.invert(samples)
    new Pixels(header.width, header.height, CmykConversion.toRgb(samples, 4))
  }

  private def storedSamples(header: ImageHeader, reader: ByteReader): Array[Byte] = {
    val raster = readRaster(reader)
    if (raster.getNumBands != 4 || raster.getWidth != header.width || raster.getHeight != header.height)
      reader.corrupt(
        s"its header says ${header.width} x ${header.height} pixels of 4 inks, its data ${raster.getWidth} x " +
          s"${raster.getHeight} of ${raster.getNumBands}"
      )
    val samples = new Array[Byte](4 * header.width * header.height)
    raster.getDataElements(0, 0, header.width, header.height, samples)
    samples
  }

  private def readRaster(reader: ByteReader): Raster =
    try
      Using.resource(new MemoryCacheImageInputStream(new ByteArrayInputStream(reader.bytes))) { stream =>
        val jpeg = jdkReader()
        try {
          jpeg.setInput(stream, true, true)
          jpeg.readRaster(0, null)
        } finally jpeg.dispose()
      }
    catch {
      case failure: IOException => reader.corrupt(s"its CMYK data cannot be read: ${failure.getMessage}")
      case failure: ImageException => throw failure
      case failure: RuntimeException => reader.corrupt(s"its CMYK data cannot be read: ${failure.getMessage}")
      // A Java that was cut down to fewer modules.
      case missing: LinkageError => throw new ImageException(NoReader, missing)
    }

  /** Not just the first: other libraries on the classpath may bring readers of their own, which give other samples. */
  private def jdkReader(): ImageReader =
    ImageIO
      .getImageReadersByFormatName("jpeg")
      .asScala
      .find(_.getClass.getName.startsWith("com.sun.imageio."))
      .getOrElse(throw new ImageException(NoReader))

  private val NoReader =
    "unsupported JPEG: four inks (CMYK) are read by Java's module java.desktop, which this Java lacks; convert it to RGB, " +
      "or run on a complete Java"
}
