package sparkvision.image.codec.color

import java.awt.image.Raster
import java.io.{ByteArrayInputStream, IOException}
import javax.imageio.stream.MemoryCacheImageInputStream
import javax.imageio.{ImageIO, ImageReader}

import scala.jdk.CollectionConverters._
import scala.util.Using

import sparkvision.image.codec.format.{ByteReader, JpegStructure}
import sparkvision.image.{ImageException, Pixels}

/** Converts JPEGs with four inks (CMYK and YCCK) to RGB.
  *
  * OpenCV does not return the inks; it converts them to RGB by a formula that differs from Pillow's by up to 2. The JPEG
  * reader of the JDK returns the samples as they are stored, and its libjpeg computes the same samples as Pillow's.
  */
private[sparkvision] object JpegInks {

  /** The stored pixels, not turned upright.
    *
    * @throws ImageException
    *   when the data are damaged, or this Java has no JPEG reader
    */
  def toRgb(jpeg: JpegStructure): Pixels = {
    val samples = storedSamples(jpeg)
    // The rule of libjpeg (jdapimin.c, default_decompress_parms): 0 or no marker means CMYK, any other value YCCK.
    if (jpeg.adobeTransform.exists(_ != 0)) CmykConversion.fromYcck(samples)
    // Pillow assumes Adobe's polarity in every JPEG, where 255 means no ink.
    CmykConversion.invert(samples)
    new Pixels(jpeg.header.width, jpeg.header.height, CmykConversion.toRgb(samples, 4))
  }

  private def storedSamples(jpeg: JpegStructure): Array[Byte] = {
    import jpeg.{header, reader}
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
      // This Java was built without the module java.desktop.
      case missing: LinkageError => throw new ImageException(NoReader, missing)
    }

  /** The reader of the JDK. Other libraries on the classpath may register readers, which return other samples. */
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
