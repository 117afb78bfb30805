package sparkvision.engine

/** The `size` in a processor's file, and what the processors make of it. */
private[engine] sealed trait SizeSetting

private[engine] object SizeSetting {
  import ResizeRule._

  /** `{"height": ..., "width": ...}` */
  final case class Sides(height: Int, width: Int) extends SizeSetting

  /** `{"shortest_edge": ...}`. A longest edge may come with it; no slow processor that classifies pictures looks at it.
    */
  final case class Edge(pixels: Int) extends SizeSetting

  /** A processor's choice by its `size` and `crop_pct`; undefined where it does not take such a size. */
  type Meaning = PartialFunction[(SizeSetting, Option[Double]), ResizeRule]

  val sides: Meaning = { case (Sides(height, width), _) => Exact(height, width) }

  val sidesOrEdge: Meaning = sides.orElse { case (Edge(pixels), _) => ShortestEdge(pixels) }

  val levit: Meaning = sides.orElse { case (Edge(pixels), _) => LevitEdge(pixels) }

  val convNext: Meaning = { case (Edge(pixels), fraction) => ConvNextEdge(pixels, fraction.getOrElse(224.0 / 256)) }

  val poolFormer: Meaning = {
    case (Edge(pixels), Some(fraction)) => PoolFormerEdge(pixels, fraction)
    case (Sides(height, width), Some(fraction)) if height == width => PoolFormerEdge(height, fraction)
    case (Sides(height, width), Some(fraction)) => Exact(enlarged(height, fraction), enlarged(width, fraction))
    case (size, None) => sidesOrEdge(size -> None)
  }
}
