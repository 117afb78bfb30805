package sparkvision.image.preprocess

import sparkvision.image.{ImageException, PixelSize, ProcessorException}

/** The rule by which a processor chooses the size of the resized image. Names and rounding are those of the slow (Pillow)
  * processors in transformers 4.57.
  */
sealed trait ResizeRule {

  /** The size that an image of this size is resized to.
    *
    * @throws ImageException
    *   when a side would have more pixels than 32 bits can count
    */
  def target(image: PixelSize): PixelSize

  /** The size of the centre crop that is part of the resize. */
  def crop: Option[PixelSize] = None

  /** The size of every resized image, or None when the size depends on the image. */
  def fixedSize: Option[PixelSize] = crop

  /** The same rule with another number of pixels. */
  def withSize(pixels: Int): ResizeRule
}

object ResizeRule {

  /** Resizes every image to the same height and width; the aspect ratio may change. */
  final case class Exact(height: Int, width: Int) extends ResizeRule {
    ResizeRule.requirePositive(math.min(height, width), s"$height x $width (height x width)")
    if (height.toLong * width * 3 > Int.MaxValue)
      throw new ProcessorException(s"size is $height x $width (height x width), which is too large: give smaller sides")

    def target(image: PixelSize): PixelSize = PixelSize(height, width)
    override def fixedSize: Option[PixelSize] = Some(PixelSize(height, width))
    def withSize(pixels: Int): Exact = Exact(pixels, pixels)
  }

  /** Resizes the shorter side to `edge` pixels and the longer side in proportion. */
  final case class ShortestEdge(edge: Int) extends ResizeRule {
    ResizeRule.requirePositive(edge, s"a shortest edge of $edge")

    def target(image: PixelSize): PixelSize = {
      val (short, long) =
        if (image.width <= image.height) (image.width, image.height) else (image.height, image.width)
      val longer = (edge.toLong * long).toDouble / short
      if (longer > Int.MaxValue)
        throw new ImageException(
          s"an image of $image pixels (height x width) is too long and narrow to be resized to a shortest edge of " +
            s"$edge; crop it beforehand"
        )
      if (image.width <= image.height) PixelSize(longer.toInt, edge) else PixelSize(edge, longer.toInt)
    }

    def withSize(pixels: Int): ShortestEdge = ShortestEdge(pixels)
  }

  /** The rule of LeViT: the shortest edge becomes 256/224 of `edge`, and a crop to `edge` pixels follows. */
  final case class LevitEdge(edge: Int) extends ResizeRule {
    private val shortestEdge = ShortestEdge((256.0 / 224 * edge).toInt)

    def target(image: PixelSize): PixelSize = shortestEdge.target(image)
    def withSize(pixels: Int): LevitEdge = copy(edge = pixels)
  }

  /** The rule of PoolFormer: the shortest edge becomes `edge / cropPercentage` pixels. */
  final case class PoolFormerEdge(edge: Int, cropPercentage: Double) extends ResizeRule {
    private val shortestEdge = ShortestEdge(enlarged(edge, cropPercentage))

    def target(image: PixelSize): PixelSize = shortestEdge.target(image)
    def withSize(pixels: Int): PoolFormerEdge = copy(edge = pixels)
  }

  /** The rule of ConvNeXT: below 384 pixels the shortest edge becomes `edge / cropPercentage`, and the centre is cropped; from
    * 384 pixels on the image becomes a square.
    */
  final case class ConvNextEdge(edge: Int, cropPercentage: Double) extends ResizeRule {
    private val square = Exact(edge, edge)
    private val cropped = edge < 384
    private val rule = if (cropped) ShortestEdge(enlarged(edge, cropPercentage)) else square

    def target(image: PixelSize): PixelSize = rule.target(image)
    override def crop: Option[PixelSize] = if (cropped) square.fixedSize else None
    override def fixedSize: Option[PixelSize] = square.fixedSize
    def withSize(pixels: Int): ConvNextEdge = copy(edge = pixels)
  }

  /** The rule of DETR: the shorter side becomes `shortest` pixels, or fewer if the longer side would exceed `longest`. */
  final case class DetrEdges(shortest: Int, longest: Int) extends ResizeRule {
    private val edges = new BoundedEdges(shortest, longest)

    def target(image: PixelSize): PixelSize =
      if (math.min(image.height, image.width) == edges.shorter(image)) image else edges.scaled(image)

    def withSize(pixels: Int): DetrEdges = copy(shortest = pixels)
  }

  /** The rule of YOLOS: that of DETR, with both sides rounded down to multiples of 16 pixels. */
  final case class YolosEdges(shortest: Int, longest: Int) extends ResizeRule {
    private val edges = new BoundedEdges(shortest, longest)

    def target(image: PixelSize): PixelSize = {
      val isSized = image.height <= image.width && image.height == edges.shorter(image)
      val size = if (isSized) image else edges.scaled(image)
      PixelSize(size.height / 16 * 16, size.width / 16 * 16)
    }

    def withSize(pixels: Int): YolosEdges = copy(shortest = pixels)
  }

  /** Resizes to the largest size within `height` x `width` that has the same aspect ratio. */
  final case class WithinSides(height: Int, width: Int) extends ResizeRule {
    ResizeRule.requirePositive(math.min(height, width), s"within $height x $width (height x width)")

    def target(image: PixelSize): PixelSize = {
      val scale = math.min(height.toDouble / image.height, width.toDouble / image.width)
      PixelSize((image.height * scale).toInt, (image.width * scale).toInt)
    }

    def withSize(pixels: Int): WithinSides = WithinSides(pixels, pixels)
  }

  /** `get_size_with_aspect_ratio` of transformers, with Python's rounding of halves to the even number. */
  final private class BoundedEdges(shortest: Int, longest: Int) {
    ResizeRule.requirePositive(math.min(shortest, longest), s"a shortest edge of $shortest and a longest of $longest")

    /** The shorter side before rounding, if the longer side would exceed `longest`. */
    private def reduced(image: PixelSize): Option[Double] = {
      val short = math.min(image.height, image.width).toDouble
      val long = math.max(image.height, image.width).toDouble
      Option.when(long / short * shortest > longest)(longest * short / long)
    }

    def shorter(image: PixelSize): Int = reduced(image).fold(shortest)(math.rint(_).toInt)

    def scaled(image: PixelSize): PixelSize = {
      val edge = shorter(image)
      val unrounded = reduced(image).getOrElse(edge.toDouble)
      if (image.width < image.height) PixelSize((unrounded * image.height / image.width).toInt, edge)
      else PixelSize(edge, (unrounded * image.width / image.height).toInt)
    }
  }

  /** The number of pixels of which `pixels` is the fraction `cropPercentage`.
    *
    * @throws ProcessorException
    *   when the fraction is not positive
    */
  private[sparkvision] def enlarged(pixels: Int, cropPercentage: Double): Int = {
    if (!(cropPercentage > 0))
      throw new ProcessorException(s"crop_pct is $cropPercentage: use a fraction, such as 0.875")
    (pixels / cropPercentage).toInt
  }

  private def requirePositive(pixels: Int, size: String): Unit =
    if (pixels <= 0) throw new ProcessorException(s"size is $size: sides must be at least 1 pixel")
}

/** The `size` in a processor's file. */
private[sparkvision] sealed trait SizeSetting

private[sparkvision] object SizeSetting {
  import ResizeRule._

  /** `{"height": ..., "width": ...}` */
  final case class Sides(height: Int, width: Int) extends SizeSetting

  /** `{"shortest_edge": ..., "longest_edge": ...}`. No slow processor for classification uses the longest edge. */
  final case class Edge(pixels: Int, longest: Option[Int] = None) extends SizeSetting

  /** `{"max_height": ..., "max_width": ...}` */
  final case class Within(height: Int, width: Int) extends SizeSetting

  /** The rule that a processor derives from `size` and `crop_pct`; undefined for a size that it does not accept. */
  type Meaning = PartialFunction[(SizeSetting, Option[Double]), ResizeRule]

  val sides: Meaning = { case (Sides(height, width), _) => Exact(height, width) }

  val sidesOrEdge: Meaning = sides.orElse { case (Edge(pixels, _), _) => ShortestEdge(pixels) }

  val levit: Meaning = sides.orElse { case (Edge(pixels, _), _) => LevitEdge(pixels) }

  val convNext: Meaning = { case (Edge(pixels, _), fraction) => ConvNextEdge(pixels, fraction.getOrElse(224.0 / 256)) }

  val detr: Meaning = sides.orElse {
    case (Edge(shortest, Some(longest)), _) => DetrEdges(shortest, longest)
    case (Within(height, width), _) => WithinSides(height, width)
  }

  val yolos: Meaning = {
    case (Edge(shortest, Some(longest)), _) => YolosEdges(shortest, longest)
    case other if detr.isDefinedAt(other) => detr(other)
  }

  val poolFormer: Meaning = {
    case (Edge(pixels, _), Some(fraction)) => PoolFormerEdge(pixels, fraction)
    case (Sides(height, width), Some(fraction)) if height == width => PoolFormerEdge(height, fraction)
    case (Sides(height, width), Some(fraction)) => Exact(enlarged(height, fraction), enlarged(width, fraction))
    case (size, None) => sidesOrEdge(size -> None)
  }
}
