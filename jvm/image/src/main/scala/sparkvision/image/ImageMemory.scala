package sparkvision.image

/** Turns "this process has no room for the image" into a reason for that one image. */
private[sparkvision] object ImageMemory {

  /** Runs `work`, which allocates for an image of `width` x `height` pixels.
    *
    * An OutOfMemoryError commonly means that nothing in the process can be trusted any more. Here it is safe to catch:
    * what fails is the allocation of one large array (or of native memory that JavaCPP counts), the arrays are reachable
    * from `work` alone and go with it, and no state outlives it. Where the JVM runs with -XX:+ExitOnOutOfMemoryError or
    * -XX:OnOutOfMemoryError (Spark's YARN executors), it ends before anybody can catch.
    *
    * @throws ImageException
    *   when `work` runs out of memory
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
