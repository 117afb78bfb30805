package sparkvision.engine

/** How a batch is run on the CPU: a few pictures at a time.
  *
  * A core is full with one picture, so a larger run gains nothing by being large; but what a layer computes for it no longer
  * fits the core's cache. `scripts/bench/cpu_policy` measures it.
  */
private[engine] object CpuRuns {

  /** Pictures a run and thread, at most. */
  val PicturesAThread = 2

  /** The runs of a batch, as even as can be: the first picture of each, and how many.
    *
    * @param threads
    *   of a run
    */
  def of(pictures: Int, threads: Int): IndexedSeq[(Int, Int)] = {
    val most = PicturesAThread * threads
    val runs = (pictures + most - 1) / most
    (0 until runs).map { run =>
      val first = (run.toLong * pictures / runs).toInt
      first -> (((run + 1).toLong * pictures / runs).toInt - first)
    }
  }
}
