package sparkvision.engine.session

/** How a batch is run on the CPU: a few images at a time.
  *
  * A core is full with one image, so a larger run gains nothing by being large; but what a layer computes for it no longer
  * fits the core's cache. `scripts/bench/cpu_policy` measures it. Of small images a run takes more, because each run
  * costs some time in itself.
  */
private[engine] object CpuRuns {

  /** Values of a run's input for each of its threads: two images of 224 x 224. */
  private val ValuesAThread = 2 * 3 * 224 * 224

  /** The runs of a batch, as even as can be: the first image of each, and how many.
    *
    * @param valuesEach
    *   of an image
    * @param threads
    *   of a run
    */
  def of(images: Int, valuesEach: Int, threads: Int): IndexedSeq[(Int, Int)] = {
    val most = math.max(1, ValuesAThread / valuesEach) * threads
    val runs = (images + most - 1) / most
    (0 until runs).map { run =>
      val first = (run.toLong * images / runs).toInt
      first -> (((run + 1).toLong * images / runs).toInt - first)
    }
  }
}
