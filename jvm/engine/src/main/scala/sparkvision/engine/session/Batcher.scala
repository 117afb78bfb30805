package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import sparkvision.image.{ImageException, ImageInput, ParameterException}

/** Runs images of one size in batches; see [[ImageBatches]].
  *
  * @param batchSize
  *   images a batch, at most
  * @param floatsPerImage
  *   size of a preprocessed image
  * @param prepare
  *   appends an image's floats to the batch, or throws [[ImageException]]
  * @param runBatch
  *   runs the batch's first n images, gives n results
  * @param inParallel
  *   does pieces of work, gives their results in order; at once, where there are cores for it
  */
final class Batcher[R](
    batchSize: Int,
    floatsPerImage: Int,
    prepare: (ImageInput, FloatBuffer) => Unit,
    runBatch: (FloatBuffer, Int) => IndexedSeq[R],
    inParallel: Batcher.InParallel = Batcher.InTurn
) extends ImageBatches[R](batchSize) {
  Batcher.requireBatch(batchSize, floatsPerImage)

  /** Direct memory: ONNX Runtime reads it where it lies. */
  private lazy val batch: FloatBuffer =
    ByteBuffer.allocateDirect(batchSize * floatsPerImage * 4).order(ByteOrder.nativeOrder).asFloatBuffer

  override protected def run(images: Int): IndexedSeq[R] = runBatch(batch, images)

  override protected def add(images: IndexedSeq[ImageInput], before: Int): IndexedSeq[Option[String]] = {
    val problems = inParallel(images.indices.map(i => () => tryPrepare(images(i), before + i)))
    val usable = problems.indices.filter(problems(_).isEmpty)
    usable.zipWithIndex.foreach { case (from, to) => if (from != to) move(before + from, before + to) }
    problems
  }

  private def tryPrepare(image: ImageInput, slot: Int): Option[String] =
    try {
      prepare(image, placeOf(slot))
      None
    } catch { case e: ImageException => Some(e.reason) }

  private def move(from: Int, to: Int): Unit = { val _ = placeOf(to).put(placeOf(from)) }

  private def placeOf(slot: Int): FloatBuffer = batch.slice(slot * floatsPerImage, floatsPerImage)
}

private[engine] object Batcher {

  /** Does pieces of work and gives their results in order. */
  trait InParallel {
    def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R]
  }

  /** One after the other. */
  object InTurn extends InParallel {
    override def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R] = pieces.map(_())
  }

  /** A batch is one direct buffer, whose bytes the JVM counts in 32 bits. Allocates nothing.
    *
    * @throws ParameterException
    *   naming the largest possible batch
    */
  def requireBatch(batchSize: Int, floatsPerImage: Long): Unit = {
    if (batchSize < 1) throw new ParameterException(s"batchSize must be at least 1, not $batchSize.")
    val largest = Int.MaxValue / (floatsPerImage * java.lang.Float.BYTES)
    if (largest == 0)
      throw new ParameterException(
        s"One image of $floatsPerImage values takes more than the ${Int.MaxValue} bytes that a batch may have; " +
          "lower height and width."
      )
    if (batchSize > largest)
      throw new ParameterException(
        s"batchSize must be at most $largest, not $batchSize: a batch may have ${Int.MaxValue} bytes, and each image " +
          s"takes ${floatsPerImage * java.lang.Float.BYTES}."
      )
  }
}
