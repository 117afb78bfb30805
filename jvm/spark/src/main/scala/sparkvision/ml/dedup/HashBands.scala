package sparkvision.ml.dedup

/** Parts of a hash of which two hashes that differ in few bits share at least one whole.
  *
  * The 64 bits are dealt out to `distance + width` bands, and each choice of `width` bands is a part. Bits that differ lie
  * in at most `distance` bands, so that two hashes within that distance have `width` bands, one of the parts, in common
  * (Manku, Jain and Das Sarma, "Detecting Near-Duplicates for Web Crawling", WWW 2007).
  *
  * @param distance
  *   bits in which two hashes may differ
  * @param width
  *   bands a part: more make parts that fewer hashes have by chance, and more of them
  */
final private[ml] case class HashBands(distance: Int, width: Int) {
  private val bands = distance + width

  /** For each part a number whose bits are set where the hash's bits count. */
  def masks: Seq[Long] = (0 until bands).combinations(width).map(_.map(bitsOf).reduce(_ | _)).toSeq

  /** Every so many bits, because a hash's neighbouring bits depend on each other. */
  private def bitsOf(band: Int): Long = (band until 64 by bands).map(1L << _).sum

  /** About how long the comparisons take, in units of one comparison. */
  private def cost(hashes: Long): Double = {
    val parts = (1 to width).foldLeft(1.0)((count, i) => count * (distance + i) / i)
    val sharing = hashes / math.pow(2, 64.0 * width / bands)
    parts * hashes * (HashBands.RowCost + sharing / 2)
  }
}

private[ml] object HashBands {

  /** What it costs to bring a hash to those with which it shares a part, in comparisons of two hashes: a microsecond's
    * shuffle against some nanoseconds. Only the order of magnitude counts.
    */
  private val RowCost = 100.0
  private val LargestWidth = 4

  /** The bands that cost least for so many different hashes. */
  def cheapest(distance: Int, hashes: Long): HashBands =
    (1 to LargestWidth).map(HashBands(distance, _)).minBy(_.cost(hashes))
}
