package sparkvision.image

/** Converts a lack of memory for one image into a refusal of this image. */
private[sparkvision] object ImageMemory {

  /** Runs `work`, which allocates for an image of `width` x `height` pixels.
    *
    * After an OutOfMemoryError the state of a process is usually unreliable. Here the error can be caught safely: the
    * allocation of one large array fails (or of native memory that JavaCPP counts), only `work` refers to the arrays, and
    * no state remains after it. A JVM that runs with -XX:+ExitOnOutOfMemoryError or -XX:OnOutOfMemoryError (as Spark's
    * YARN executors do) ends before the error can be caught.
    *
    * @throws ImageException
    *   when the memory is not sufficient for `work`
    */
  def refusing[A](width: Int, height: Int)(work: => A): A =
    try work
    catch {
      case exhausted: OutOfMemoryError =>
        throw new ImageException(
          s"too large for this process's memory: $width x $height; lower maxImagePixels or give the process more memory",
          exhausted
        )
    }
}
