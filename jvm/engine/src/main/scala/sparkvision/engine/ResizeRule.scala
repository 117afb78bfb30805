package sparkvision.engine

/** How a processor chooses the size that it resizes a picture to. The names and the roundings are those of the slow
  * (Pillow) processors in transformers 4.57.
  */
sealed trait ResizeRule {

  /** What a picture of this size is resized to.
    *
    * @throws ImageException
    *   when a side would have more pixels than 32 bits count
    */
  def target(picture: PixelSize): PixelSize

  /** The centre crop that is part of the resize. */
  def crop: Option[PixelSize] = None

  /** The size that every picture has afterwards, whatever it had before. */
  def fixedSize: Option[PixelSize] = crop

  /** The same rule with another number of pixels. */
  def withSize(pixels: Int): ResizeRule
}

object ResizeRule {

  /** Every picture to the same height and width, whatever its aspect ratio. */
  final case class Exact(height: Int, width: Int) extends ResizeRule {
    ResizeRule.requirePositive(math.min(height, width), s"$height x $width (height x width)")
    if (height.toLong * width * 3 > Int.MaxValue)
      throw new ProcessorException(s"size is $height x $width (height x width): that is too large")

    def target(picture: PixelSize): PixelSize = PixelSize(height, width)
    override def fixedSize: Option[PixelSize] = Some(PixelSize(height, width))
    def withSize(pixels: Int): Exact = Exact(pixels, pixels)
  }

  /** The shorter side to `edge` pixels, the longer one in proportion. */
  final case class ShortestEdge(edge: Int) extends ResizeRule {
    ResizeRule.requirePositive(edge, s"a shortest edge of $edge")

    def target(picture: PixelSize): PixelSize = {
      val (short, long) =
        if (picture.width <= picture.height) (picture.width, picture.height) else (picture.height, picture.width)
      val longer = (edge.toLong * long).toDouble / short
      if (longer > Int.MaxValue)
        throw new ImageException(
          s"a picture of $picture pixels (height x width) is too long and narrow to be resized to a shortest edge of " +
            s"$edge; crop it beforehand"
        )
      if (picture.width <= picture.height) PixelSize(longer.toInt, edge) else PixelSize(edge, longer.toInt)
    }

    def withSize(pixels: Int): ShortestEdge = ShortestEdge(pixels)
  }

  /** LeViT's: the shortest edge to 256/224 of `edge`, so that a crop to `edge` pixels follows. */
  final case class LevitEdge(edge: Int) extends ResizeRule {
    private val shortestEdge = ShortestEdge((256.0 / 224 * edge).toInt)

    def target(picture: PixelSize): PixelSize = shortestEdge.target(picture)
    def withSize(pixels: Int): LevitEdge = copy(edge = pixels)
  }

  /** PoolFormer's: the shortest edge to so many pixels that `edge` are the fraction `cropPercentage` of it. */
  final case class PoolFormerEdge(edge: Int, cropPercentage: Double) extends ResizeRule {
    private val shortestEdge = ShortestEdge(enlarged(edge, cropPercentage))

    def target(picture: PixelSize): PixelSize = shortestEdge.target(picture)
    def withSize(pixels: Int): PoolFormerEdge = copy(edge = pixels)
  }

  /** ConvNeXT's: below 384 pixels the shortest edge to `edge / cropPercentage`, of which the centre is cropped; from
    * 384 pixels on a square, whatever the aspect ratio.
    */
  final case class ConvNextEdge(edge: Int, cropPercentage: Double) extends ResizeRule {
    private val square = Exact(edge, edge)
    private val cropped = edge < 384
    private val rule = if (cropped) ShortestEdge(enlarged(edge, cropPercentage)) else square

    def target(picture: PixelSize): PixelSize = rule.target(picture)
    override def crop: Option[PixelSize] = if (cropped) square.fixedSize else None
    override def fixedSize: Option[PixelSize] = square.fixedSize
    def withSize(pixels: Int): ConvNextEdge = copy(edge = pixels)
  }

  /** DETR's: the shorter side to `shortest` pixels, or to fewer where the longer one would pass `longest`. */
  final case class DetrEdges(shortest: Int, longest: Int) extends ResizeRule {
    private val edges = new BoundedEdges(shortest, longest)

    def target(picture: PixelSize): PixelSize =
      if (math.min(picture.height, picture.width) == edges.shorter(picture)) picture else edges.scaled(picture)

    def withSize(pixels: Int): DetrEdges = copy(shortest = pixels)
  }

  /** YOLOS': as DETR's, with both sides cut down to multiples of 16 pixels. */
  final case class YolosEdges(shortest: Int, longest: Int) extends ResizeRule {
    private val edges = new BoundedEdges(shortest, longest)

    def target(picture: PixelSize): PixelSize = {
      val isSized = picture.height <= picture.width && picture.height == edges.shorter(picture)
      val size = if (isSized) picture else edges.scaled(picture)
      PixelSize(size.height / 16 * 16, size.width / 16 * 16)
    }

    def withSize(pixels: Int): YolosEdges = copy(shortest = pixels)
  }

  /** As large as fits into `height` x `width`, in proportion. */
  final case class WithinSides(height: Int, width: Int) extends ResizeRule {
    ResizeRule.requirePositive(math.min(height, width), s"within $height x $width (height x width)")

    def target(picture: PixelSize): PixelSize = {
      val scale = math.min(height.toDouble / picture.height, width.toDouble / picture.width)
      PixelSize((picture.height * scale).toInt, (picture.width * scale).toInt)
    }

    def withSize(pixels: Int): WithinSides = WithinSides(pixels, pixels)
  }

  /** `get_size_with_aspect_ratio` of transformers, with Python's rounding: a half to the even number. */
  final private class BoundedEdges(shortest: Int, longest: Int) {
    ResizeRule.requirePositive(math.min(shortest, longest), s"a shortest edge of $shortest and a longest of $longest")

    /** The shorter side before it is rounded, where the longer one would pass `longest`. */
    private def reduced(picture: PixelSize): Option[Double] = {
      val short = math.min(picture.height, picture.width).toDouble
      val long = math.max(picture.height, picture.width).toDouble
      Option.when(long / short * shortest > longest)(longest * short / long)
    }

    def shorter(picture: PixelSize): Int = reduced(picture).fold(shortest)(math.rint(_).toInt)

    def scaled(picture: PixelSize): PixelSize = {
      val edge = shorter(picture)
      val unrounded = reduced(picture).getOrElse(edge.toDouble)
      if (picture.width < picture.height) PixelSize((unrounded * picture.height / picture.width).toInt, edge)
      else PixelSize(edge, (unrounded * picture.width / picture.height).toInt)
    }
  }

  /** The number of pixels of which `pixels` are the fraction `cropPercentage`.
    *
    * @throws ProcessorException
    *   when the fraction is not positive
    */
  private[engine] def enlarged(pixels: Int, cropPercentage: Double): Int = {
    if (!(cropPercentage > 0))
      throw new ProcessorException(s"crop_pct is $cropPercentage: use a fraction, such as 0.875")
    (pixels / cropPercentage).toInt
  }

  private def requirePositive(pixels: Int, size: String): Unit =
    if (pixels <= 0) throw new ProcessorException(s"size is $size: sides must be at least 1 pixel")
}
