package sparkvision.ml

/** Elements 0 to `size` - 1, each in a set of its own until sets are united: union-find with path halving. */
final private[ml] class DisjointSets(size: Int) {
  private val parents = Array.tabulate(size)(identity)

  /** Unites the sets of two elements; false where that is done already. */
  def union(a: Int, b: Int): Boolean = {
    val (first, second) = (rootOf(a), rootOf(b))
    if (first != second) parents(first) = second
    first != second
  }

  private def rootOf(element: Int): Int = {
    var at = element
    while (parents(at) != at) {
      parents(at) = parents(parents(at))
      at = parents(at)
    }
    at
  }
}
