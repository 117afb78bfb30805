package sparkvision.image.codec.format

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.charset.StandardCharsets.ISO_8859_1
import java.util.zip.{CRC32, DataFormatException, Inflater}

/** The chunks of a PNG (ISO/IEC 15948, section 5).
  *
  * Pillow refuses a file that has a wrong checksum before the image's data, or more metadata there than its limits allow;
  * libpng alone is more tolerant. Behind the image's data only the orientation is read.
  */
final private[sparkvision] class PngStructure(reader: ByteReader) extends ImageStructure(reader) {
  import PngStructure._

  override val header: ImageHeader = {
    if (!reader.startsWith(SignatureLength + 4, "IHDR")) reader.corrupt("its first chunk is not IHDR")
    val (width, height) = (reader.u32be(SignatureLength + 8), reader.u32be(SignatureLength + 12))
    // Section 11.2.2: a side is at most 2^31 - 1.
    if (width > Int.MaxValue || height > Int.MaxValue) reader.corrupt(s"its header says $width x $height pixels")
    val exif = chunks.find(_.name == "eXIf").map(chunk => reader.slice(chunk.data, chunk.length))
    val metadata = new PngMetadata(reader)
    val xmp = if (exif.isDefined) None else chunks.flatMap(xmpPacket(_, metadata)).nextOption()
    ImageHeader(ImageFormat.Png, width.toInt, height.toInt, ExifOrientation.of(exif, xmp))
  }

  /** Whether the samples are grey and have 16 bits. */
  def isGrey16: Boolean = reader.u8(SignatureLength + 16) == 16 && reader.u8(SignatureLength + 17) == Grey

  /** Refuses a PNG that has no image data, or whose chunks before it are broken. */
  override def requireComplete(): Unit = {
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
        requireChecksum(offset + 4, length.toInt + 4)
        requireSaneMetadata(Chunk(name, offset + 8, length.toInt), metadata)
        offset += 12 + length.toInt
      }
    }
  }

  /** A PNG of only those chunks that the first image needs, with correct checksums. Pillow checks neither the checksums of
    * the image's data nor the chunks behind them, whereas libpng refuses the file for either. In an animation the IDAT
    * chunks hold the first frame.
    */
  def firstImageOnly: Array[Byte] = {
    val out = new ByteArrayOutputStream(reader.length)
    out.write(reader.bytes, 0, SignatureLength)
    var data = false
    chunks.takeWhile(chunk => chunk.name == "IDAT" || !data).foreach { chunk =>
      data = chunk.name == "IDAT"
      if (essential(chunk.name)) write(out, chunk.name, reader.slice(chunk.data, chunk.length))
    }
    write(out, "IEND", Array.emptyByteArray)
    out.toByteArray
  }

  private def requireChecksum(offset: Int, count: Int): Unit = {
    val crc = new CRC32
    crc.update(reader.bytes, offset, count)
    if (crc.getValue != reader.u32be(offset + count))
      reader.corrupt(s"the checksum of its chunk ${reader.ascii(offset, 4)} is wrong")
  }

  private def requireSaneMetadata(chunk: Chunk, metadata: PngMetadata): Unit =
    if (chunk.name == "iCCP" || chunk.name == "zTXt") {
      val keyword = reader.slice(chunk.data, chunk.length).indexOf(0: Byte)
      if (keyword >= 0 && keyword + 1 < chunk.length) {
        val method = reader.u8(chunk.data + keyword + 1)
        if (method != 0) reader.corrupt(s"its chunk ${chunk.name} uses the unknown compression method $method")
        val _ = metadata.inflate(chunk.name, chunk.data + keyword + 2, chunk.length - keyword - 2)
      }
    } else if (chunk.name == "tEXt") metadata.add(chunk.length)
    else if (chunk.name == "iTXt") { val _ = internationalText(chunk, metadata) }

  /** The text of an iTXt chunk, inflated where needed (section 11.3.4.5); None when the chunk is malformed, or its keyword
    * is not `onlyKeyword`.
    */
  private def internationalText(
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

  private def xmpPacket(chunk: Chunk, metadata: PngMetadata): Option[Array[Byte]] =
    if (chunk.name != "iTXt") None else internationalText(chunk, metadata, Some(XmpKeyword))

  /** The chunks in file order, up to the first whose data are cut off. */
  private def chunks: Iterator[Chunk] =
    Iterator.unfold(SignatureLength.toLong) { offset =>
      if (offset + 8 > reader.length) None
      else {
        val length = reader.u32be(offset.toInt)
        if (offset + 8 + length > reader.length) None
        else Some(Chunk(reader.ascii(offset.toInt + 4, 4), offset.toInt + 8, length.toInt) -> (offset + 12 + length))
      }
    }
}

private object PngStructure {
  val SignatureLength = 8

  /** The colour type of grey samples without alpha. */
  val Grey = 0

  val XmpKeyword = "XML:com.adobe.xmp"

  /** The chunks that the decoder needs. */
  val essential: Set[String] = Set("IHDR", "PLTE", "tRNS", "IDAT")

  /** @param data
    *   the offset of the chunk's data
    * @param length
    *   bytes of the chunk's data
    */
  final case class Chunk(name: String, data: Int, length: Int)

  def write(out: ByteArrayOutputStream, name: String, data: Array[Byte]): Unit = {
    val crc = new CRC32
    crc.update(name.getBytes(ISO_8859_1))
    crc.update(data)
    out.write(ByteBuffer.allocate(8).putInt(data.length).put(name.getBytes(ISO_8859_1)).array)
    out.write(data)
    out.write(ByteBuffer.allocate(4).putInt(crc.getValue.toInt).array)
  }
}

/** Counts the metadata of one PNG against Pillow's limits (`PngImagePlugin`): a small file can hold tens of thousands of
  * chunks, each of which can inflate to a thousand times its size.
  */
final private class PngMetadata(reader: ByteReader) {
  import PngMetadata._

  private val piece = new Array[Byte](8192)
  private var total = 0L

  /** The inflated bytes, or None when the stream is damaged, which Pillow tolerates.
    *
    * @throws ImageException
    *   when they exceed a limit
    */
  def inflate(chunkName: String, offset: Int, length: Int): Option[Array[Byte]] = {
    val inflated = new ByteArrayOutputStream
    val inflater = new Inflater
    val whole =
      try {
        inflater.setInput(reader.bytes, offset, length)
        var count = inflater.inflate(piece)
        while (count > 0) {
          inflated.write(piece, 0, count)
          if (inflated.size > MaxChunk)
            reader.corrupt(s"its chunk $chunkName inflates to more than $MaxChunk bytes (a decompression bomb)")
          count = inflater.inflate(piece)
        }
        true
      } catch { case _: DataFormatException => false }
      finally inflater.end()
    // The bytes of a damaged stream and of a colour profile take as much time as text, so they count as well. In Pillow
    // they do not.
    add(inflated.size)
    Option.when(whole)(inflated.toByteArray)
  }

  /** Counts metadata that is stored as it is. */
  def add(bytes: Int): Unit = {
    total += bytes
    if (total > MaxTotal)
      reader.corrupt(s"its metadata takes more than $MaxTotal bytes once inflated (a decompression bomb)")
  }
}

private object PngMetadata {

  /** Pillow's `MAX_TEXT_CHUNK`: a compressed metadata chunk may not inflate to more. */
  val MaxChunk: Int = 1024 * 1024

  /** Pillow's `MAX_TEXT_MEMORY`: all of an image's text may not take more. */
  val MaxTotal: Long = 64L * MaxChunk
}
