package sparkvision.image.codec.format

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.charset.StandardCharsets.ISO_8859_1
import java.util.zip.CRC32

/** Walks a PNG's chunks (ISO/IEC 15948, section 5), without decoding.
  *
  * Before the image's data every checksum counts and the metadata is held to Pillow's limits, because Pillow
  * refuses a file that breaks them; after it nothing but the orientation is looked at. libpng alone is laxer with the
  * former.
  */
private[sparkvision] object PngStructure {
  private val SignatureLength = 8

  private val XmpKeyword = "XML:com.adobe.xmp"

  private final case class Chunk(name: String, data: Int, length: Int)

  /** Bits a sample and colour type, as IHDR gives them. */
  final case class Samples(bitDepth: Int, colourType: Int) {
    def isGrey16: Boolean = bitDepth == 16 && colourType == 0
  }

  def samples(reader: ByteReader): Samples =
    Samples(reader.u8(SignatureLength + 16), reader.u8(SignatureLength + 17))

  def readHeader(reader: ByteReader): ImageHeader = {
    if (!reader.startsWith(SignatureLength + 4, "IHDR")) reader.corrupt("its first chunk is not IHDR")
    val (width, height) = (reader.u32be(SignatureLength + 8), reader.u32be(SignatureLength + 12))
    // Section 11.2.2: a side is at most 2^31 - 1.
    if (width > Int.MaxValue || height > Int.MaxValue) reader.corrupt(s"its header says $width x $height pixels")
    val exif = chunks(reader).find(_.name == "eXIf").map(chunk => reader.slice(chunk.data, chunk.length))
    val metadata = new PngMetadata(reader)
    val xmp = if (exif.isDefined) None else chunks(reader).flatMap(xmpPacket(reader, _, metadata)).nextOption()
    ImageHeader(ImageFormat.Png, width.toInt, height.toInt, ExifOrientation.of(exif, xmp))
  }

  /** Refuses a PNG that has no image data, or whose chunks before it are broken. */
  def requireComplete(reader: ByteReader): Unit = {
    val metadata = new PngMetadata(reader)
    var offset = SignatureLength
    var name = ""
    while (name != "IDAT") {
      val length = reader.u32be(offset)
      name = reader.ascii(offset + 4, 4)
      if (!name.forall(char => char >= 'A' && char <= 'Z' || char >= 'a' && char <= 'z'))
        reader.corrupt(s"the chunk at offset $offset has no valid name")
      if (name == "IEND") reader.corrupt("it ends before any image data (no IDAT chunk)")
      if (name != "IDAT") {
        reader.need(offset + 8L, length + 4)
        requireChecksum(reader, offset + 4, length.toInt + 4)
        requireSaneMetadata(reader, Chunk(name, offset + 8, length.toInt), metadata)
        offset += 12 + length.toInt
      }
    }
  }

  /** The chunks that make the first image, with right checksums, and nothing else: Pillow looks neither at the
    * checksums of the image's data nor at what is damaged behind them, and libpng refuses both. Of an animation the
    * image in the IDAT chunks is the first frame.
    */
  def imageAlone(reader: ByteReader): Array[Byte] = {
    val out = new ByteArrayOutputStream(reader.length)
    out.write(reader.bytes, 0, SignatureLength)
    var data = false
    chunks(reader).takeWhile(chunk => chunk.name == "IDAT" || !data).foreach { chunk =>
      data = chunk.name == "IDAT"
      if (essential(chunk.name)) write(out, chunk.name, reader.slice(chunk.data, chunk.length))
    }
    write(out, "IEND", Array.emptyByteArray)
    out.toByteArray
  }

  private val essential = Set("IHDR", "PLTE", "tRNS", "IDAT")

  private def write(out: ByteArrayOutputStream, name: String, data: Array[Byte]): Unit = {
    val crc = new CRC32
    crc.update(name.getBytes(ISO_8859_1))
    crc.update(data)
    out.write(ByteBuffer.allocate(8).putInt(data.length).put(name.getBytes(ISO_8859_1)).array)
    out.write(data)
    out.write(ByteBuffer.allocate(4).putInt(crc.getValue.toInt).array)
  }

  private def requireChecksum(reader: ByteReader, offset: Int, count: Int): Unit = {
    val crc = new CRC32
    crc.update(reader.bytes, offset, count)
    if (crc.getValue != reader.u32be(offset + count))
      reader.corrupt(s"the checksum of its chunk ${reader.ascii(offset, 4)} is wrong")
  }

  private def requireSaneMetadata(reader: ByteReader, chunk: Chunk, metadata: PngMetadata): Unit =
    if (chunk.name == "iCCP" || chunk.name == "zTXt") {
      val keyword = reader.slice(chunk.data, chunk.length).indexOf(0: Byte)
      if (keyword >= 0 && keyword + 1 < chunk.length) {
        val method = reader.u8(chunk.data + keyword + 1)
        if (method != 0) reader.corrupt(s"its chunk ${chunk.name} uses the unknown compression method $method")
        val _ = metadata.inflate(chunk.name, chunk.data + keyword + 2, chunk.length - keyword - 2)
      }
    } else if (chunk.name == "tEXt") metadata.add(chunk.length)
    else if (chunk.name == "iTXt") { val _ = internationalText(reader, chunk, metadata) }

  /** An iTXt chunk's text, inflated where needed (section 11.3.4.5); None when it is malformed, or has another keyword
    * than the one asked for.
    */
  private def internationalText(
      reader: ByteReader,
      chunk: Chunk,
      metadata: PngMetadata,
      onlyKeyword: Option[String] = None
  ): Option[Array[Byte]] = {
    val data = reader.slice(chunk.data, chunk.length)
    val keywordEnd = data.indexOf(0: Byte)
    val languageEnd = if (keywordEnd < 0) -1 else data.indexOf(0: Byte, keywordEnd + 3)
    val translatedEnd = if (languageEnd < 0) -1 else data.indexOf(0: Byte, languageEnd + 1)
    if (translatedEnd < 0) None
    else if (onlyKeyword.exists(_ != new String(data, 0, keywordEnd, ISO_8859_1))) None
    else {
      val start = chunk.data + translatedEnd + 1
      val length = chunk.length - translatedEnd - 1
      val (compressed, method) = (data(keywordEnd + 1) != 0, data(keywordEnd + 2))
      if (!compressed) {
        metadata.add(length)
        Some(reader.slice(start, length))
      } else if (method == 0) metadata.inflate(chunk.name, start, length)
      else None
    }
  }

  private def xmpPacket(reader: ByteReader, chunk: Chunk, metadata: PngMetadata): Option[Array[Byte]] =
    if (chunk.name != "iTXt") None else internationalText(reader, chunk, metadata, Some(XmpKeyword))

  /** The chunks in file order, as far as their data are whole. */
  private def chunks(reader: ByteReader): Iterator[Chunk] =
    Iterator.unfold(SignatureLength.toLong) { offset =>
      if (offset + 8 > reader.length) None
      else {
        val length = reader.u32be(offset.toInt)
        if (offset + 8 + length > reader.length) None
        else Some(Chunk(reader.ascii(offset.toInt + 4, 4), offset.toInt + 8, length.toInt) -> (offset + 12 + length))
      }
    }
}
