package sparkvision.image.codec.format

import java.nio.charset.StandardCharsets.ISO_8859_1

/** An image format, recognised by the first bytes of a file and never by the file's name.
  *
  * @param name
  *   the usual name, for example `"JPEG"`
  * @param supported
  *   whether `ImageDecoder` reads it; other formats are recognised so that a refusal can name them
  */
final case class ImageFormat private (name: String, supported: Boolean) {
  override def toString: String = name
}

object ImageFormat {
  val Jpeg: ImageFormat = ImageFormat("JPEG", supported = true)
  val Png: ImageFormat = ImageFormat("PNG", supported = true)
  val Gif: ImageFormat = ImageFormat("GIF", supported = true)
  val Bmp: ImageFormat = ImageFormat("BMP", supported = true)
  val WebP: ImageFormat = ImageFormat("WebP", supported = true)
  val Tiff: ImageFormat = ImageFormat("TIFF", supported = true)

  val supported: Seq[ImageFormat] = Seq(Jpeg, Png, Gif, Bmp, WebP, Tiff)

  /** The signatures of formats that begin with fixed bytes, from the specification of each format. */
  private val signatures: Seq[(String, ImageFormat)] = Seq(
    "\u00ff\u00d8\u00ff" -> Jpeg,
    "\u0089PNG\r\n\u001a\n" -> Png,
    "GIF87a" -> Gif,
    "GIF89a" -> Gif,
    "BM" -> Bmp,
    "II*\u0000" -> Tiff,
    "MM\u0000*" -> Tiff,
    "II+\u0000" -> Tiff,
    "MM\u0000+" -> Tiff
  ) ++ Seq(
    "\u0000\u0000\u0000\u000cjP  " -> "JPEG 2000",
    "\u00ff\u004f\u00ff\u0051" -> "JPEG 2000",
    "\u0000\u0000\u0000\u000cJXL " -> "JPEG XL",
    "\u00ff\u000a" -> "JPEG XL",
    "\u0000\u0000\u0001\u0000" -> "ICO",
    "\u0000\u0000\u0002\u0000" -> "CUR or TGA",
    "8BPS" -> "PSD",
    "%PDF" -> "PDF",
    "%!PS" -> "PostScript",
    "v/1\u0001" -> "OpenEXR",
    "#?RADIANCE" -> "Radiance HDR",
    "#?RGBE" -> "Radiance HDR",
    "DDS " -> "DDS",
    "icns" -> "ICNS",
    "qoif" -> "QOI",
    "gimp xcf" -> "XCF",
    "farbfeld" -> "farbfeld",
    "\u00d7\u00cd\u00c6\u009a" -> "WMF"
  ).map { case (signature, name) => signature -> ImageFormat(name, supported = false) }

  /** ISO base media brands (ISO/IEC 14496-12, 23008-12; AV1 Image File Format). */
  private val brands: Map[String, String] =
    Map("avif" -> "AVIF", "avis" -> "AVIF") ++
      Seq("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1").map(_ -> "HEIC")

  /** The number of bytes in which text formats are searched. */
  private val TextProbe = 1024

  /** The format of an image, supported or not.
    *
    * @param bytes
    *   the encoded file, from its first byte
    * @return
    *   None when the bytes do not begin like a known image format
    * @example
    *   {{{ImageFormat.of(bytes).map(_.name) // Some("JPEG")}}}
    */
  def of(bytes: Array[Byte]): Option[ImageFormat] = {
    val head = new String(bytes, 0, math.min(bytes.length, TextProbe), ISO_8859_1)
    signatures
      .collectFirst { case (signature, format) if head.startsWith(signature) => format }
      .orElse(container(head))
      .orElse(text(head))
  }

  private def container(head: String): Option[ImageFormat] =
    if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) Some(WebP)
    else if (head.startsWith("ftyp", 4) && head.length >= 12)
      Some(ImageFormat(brands.getOrElse(head.substring(8, 12), "ISO media (video?)"), supported = false))
    else None

  private def text(head: String): Option[ImageFormat] =
    if (head.contains("<svg")) Some(ImageFormat("SVG", supported = false))
    else if (head.matches("(?s)P[1-7]\\s.*")) Some(ImageFormat("PNM", supported = false))
    else None
}
