package sparkvision.image.preprocess

/** The `size` in a processor's file, and what the processors make of it. */
private[sparkvision] sealed trait SizeSetting

private[sparkvision] object SizeSetting {
  import ResizeRule._

  /** `{"height": ..., "width": ...}` */
  final case class Sides(height: Int, width: Int) extends SizeSetting

  /** `{"shortest_edge": ..., "longest_edge": ...}`. No slow processor that classifies images looks at the longest edge.
    */
  final case class Edge(pixels: Int, longest: Option[Int] = None) extends SizeSetting

  /** `{"max_height": ..., "max_width": ...}` */
  final case class Within(height: Int, width: Int) extends SizeSetting

  /** A processor's choice by its `size` and `crop_pct`; undefined where it does not take such a size. */
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
