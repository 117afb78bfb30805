package sparkvision.image.codec.tiff

import sparkvision.image.ImageException
import sparkvision.image.codec.format.{ByteReader, TiffDirectory}

/** The layout of the samples of a TIFF's first page.
  *
  * @param kind
  *   the meaning of the samples
  * @param bits
  *   bits of each sample
  * @param samples
  *   samples of each pixel
  * @param lowBitsFirst
  *   whether pixels of less than one byte are stored from the lowest bit of a byte to the highest
  */
final private[sparkvision] case class TiffLayout(kind: TiffLayout.Kind, bits: Int, samples: Int, lowBitsFirst: Boolean)

private[sparkvision] object TiffLayout {
  import TiffDirectory._

  sealed trait Kind
  case object Grey extends Kind
  case object GreyInverted extends Kind
  case object SignedGrey extends Kind
  case object FloatGrey extends Kind
  case object Palette extends Kind
  case object Rgb extends Kind
  case object Inks extends Kind
  case object LuminanceChrominance extends Kind

  private val Unsigned = 1L
  private val Signed = 2L
  private val Floats = 3L
  private val Unspecified = 0L
  private val Premultiplied = 1L
  private val PlainAlpha = 2L
  private val CorelAlpha = 999L

  /** The tags of a page that concern a pixel, normalised as Pillow's `TiffImageFile._setup` does. */
  private final case class Tags(
      photometric: Int,
      format: Long,
      lowBitsFirst: Boolean,
      bits: Seq[Long],
      extra: Seq[Long],
      bigEndian: Boolean
  ) {
    override def toString: String =
      s"photometric interpretation $photometric, sample format $format, ${bits.mkString("+")} bits, extra samples " +
        s"${if (extra.isEmpty) "none" else extra.mkString("+")}"
  }

  /** The layout of a page.
    *
    * @throws ImageException
    *   when Pillow does not read this layout (`TiffImagePlugin.OPEN_INFO`), or it is not supported here
    */
  def of(directory: TiffDirectory, reader: ByteReader): TiffLayout = {
    val tags = tagsOf(directory, reader)
    if (tags.photometric == 8) refuse("its colours are CIELab; convert it to RGB")
    if (tags.extra.headOption.contains(Premultiplied) && tags.photometric != 3 && tags.photometric != 5)
      refuse("its colours are multiplied by its alpha; save it without alpha")
    val bits = tags.bits.headOption.filter(first => tags.bits.forall(_ == first))
    bits
      .flatMap(bits => kind(tags, bits.toInt).map(TiffLayout(_, bits.toInt, tags.bits.length, tags.lowBitsFirst)))
      .getOrElse(refuse(s"$tags; save it as 8-bit RGB"))
  }

  private def refuse(what: String): Nothing = throw new ImageException(s"unsupported TIFF: $what")

  private def tagsOf(directory: TiffDirectory, reader: ByteReader): Tags = {
    def all(tag: Int, default: Long*): Seq[Long] = directory.values(tag).getOrElse(default)
    val photometric = directory.value(Photometric).getOrElse(0L)
    val extra = all(ExtraSamples)
    val separateExtra = directory.value(PlanarConfiguration).contains(2L) && extra.nonEmpty && extra.max == Unspecified
    val ignored = if (separateExtra) extra.length else 0
    val stored = all(BitsPerSample, 1L).dropRight(ignored)
    val samples = directory.value(SamplesPerPixel).getOrElse(1L) - ignored
    val bits =
      if (samples > stored.length && stored.length == 1) Seq.fill(math.min(samples, 9L).toInt)(stored.head)
      else
        stored.take(math.max(samples, 0L).toInt)
    if (bits.length != samples)
      reader.corrupt(s"it has $samples samples per pixel, but states the bits of ${bits.length}")
    val formats = all(SampleFormat, Unsigned).distinct
    Tags(
      photometric.toInt,
      if (formats.length == 1) formats.head else -1L,
      directory.value(FillOrder).contains(2L),
      bits,
      if (separateExtra) Nil else extra,
      directory.bigEndian
    )
  }

  private def kind(tags: Tags, bits: Int): Option[Kind] = {
    val plain = tags.extra.isEmpty && tags.bits.length == 1
    tags.photometric match {
      case 0 | 1 if plain => grey(tags, bits)
      case 1 if tags.format == Unsigned && isWithExtra(tags, bits) && !tags.lowBitsFirst => Some(Grey)
      case 2 if tags.format == Unsigned => Option.when(isColour(tags, bits))(Rgb)
      case 3 if tags.format == Unsigned =>
        val indices = plain && Set(1, 2, 4, 8)(bits) || isWithExtra(tags, bits) && !tags.lowBitsFirst
        Option.when(indices)(Palette)
      case 5 if tags.format == Unsigned && !tags.lowBitsFirst =>
        val extra = tags.bits.length - 4
        val inks = extra >= 0 && extra <= 2 && tags.extra == Seq.fill(extra)(Unspecified)
        Option.when(inks && (bits == 8 || bits == 16 && extra == 0))(Inks)
      case 6 if tags.format == Unsigned && bits == 8 && tags.extra.isEmpty && !tags.lowBitsFirst =>
        if (plain) Some(Grey) else Option.when(tags.bits.length == 3)(LuminanceChrominance)
      case _ => None
    }
  }

  private def grey(tags: Tags, bits: Int): Option[Kind] = {
    val inverted = tags.photometric == 0
    val inOrder = !tags.lowBitsFirst
    (tags.format, bits) match {
      case (Unsigned, 1 | 2 | 4 | 8) => Some(if (inverted) GreyInverted else Grey)
      // Pillow does not invert the following layouts.
      case (Unsigned, 16) if inOrder && !(inverted && tags.bigEndian) => Some(Grey)
      case (Unsigned, 32) if inOrder && !inverted && !tags.bigEndian => Some(SignedGrey)
      case (Signed, 8) if inOrder && !inverted => Some(Grey)
      case (Signed, 16 | 32) if inOrder && !inverted => Some(SignedGrey)
      case (Floats, 32) if inOrder => Some(FloatGrey)
      case _ => None
    }
  }

  /** Whether a pixel has one sample of 8 bits followed by an alpha or by an unspecified sample. */
  private def isWithExtra(tags: Tags, bits: Int): Boolean =
    bits == 8 && tags.bits.length == 2 && (tags.extra == Seq(Unspecified) || tags.extra == Seq(PlainAlpha))

  private def isColour(tags: Tags, bits: Int): Boolean = {
    val more = tags.bits.length - 3
    val known = tags.extra.isEmpty || tags.extra == Seq(CorelAlpha) && bits == 8 ||
      Set(Unspecified, PlainAlpha)(tags.extra.head) && tags.extra.tail.forall(_ == Unspecified)
    // Pillow treats a fourth sample that is not declared as alpha.
    val extra = known && (tags.extra.length == more || tags.extra.isEmpty && more == 1)
    extra && (bits == 8 && more <= 3 || bits == 16 && more <= 1) && (!tags.lowBitsFirst || more == 0 && bits == 8)
  }
}
