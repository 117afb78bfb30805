package sparkvision.ml.task

import scala.collection.mutable

import org.apache.spark.TaskContext

import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageInput, PixelRows, Pixels}

/** The images that a task's stages have decoded, for a later stage of the same task that needs their pixels too: rows
  * hold images encoded, and the second decoding would often cost more than all that the later stage does.
  *
  * Nothing is kept until a stage says that it will take images. Then the models before it keep what they decode, no more
  * than the limit allows; the oldest make room. An image that was taken stays until another one is: several stages may take
  * it, and so may the rows that a cropper makes of it. Who finds none decodes anew, to the same pixels.
  *
  * @param mostBytes
  *   of encoded and decoded images together, at this time
  */
final private[ml] class DecodedImages(mostBytes: => Long) {
  import DecodedImages._

  private val kept = mutable.ArrayDeque[Entry]()
  private var bytes = 0L
  private var taken = Option.empty[Entry]
  @volatile private var takers = 0

  /** A stage says that it will take images, before it asks its input for the first row. */
  def keep(): Unit = takers += 1

  /** Keeps what a stage decodes, if one after it takes images. Spark makes a task's stages in the order of the rows' way. */
  def ofStage(): ModelListener = {
    val before = takers
    new ModelListener {
      override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit =
        if (takers > before && isWhole(encoded, pixels)) {
          val (size, most) = (bytesOf(encoded, pixels), mostBytes)
          if (size <= most) add(Entry(encoded, pixels.toPixels), size, most)
        }
    }
  }

  private def add(entry: Entry, size: Long, most: Long): Unit = synchronized {
    while (bytes + size > most || kept.size >= MostImages) { val _ = remove(0) }
    kept += entry
    bytes += size
  }

  /** The image with its pixels, if they are here; else as it is.
    *
    * @param maxPixels
    *   that the taking stage reads: a stage before may read larger images
    */
  def take(image: ImageInput, maxPixels: Long): ImageInput = image match {
    case ImageInput.Encoded(bytes) =>
      pixelsOf(bytes).filter(_.rgb.length / 3 <= maxPixels).fold(image)(ImageInput.Decoded)
    case other => other
  }

  private def pixelsOf(encoded: Array[Byte]): Option[Pixels] = synchronized {
    if (!taken.exists(_.isOf(encoded))) taken = kept.indexWhere(_.isOf(encoded)) match {
      case -1 => None
      case index => Some(remove(index))
    }
    taken.map(_.pixels)
  }

  private def remove(index: Int): Entry = {
    val entry = kept.remove(index)
    bytes -= bytesOf(entry.encoded, entry.pixels)
    entry
  }
}

private[ml] object DecodedImages {

  final private case class Entry(encoded: Array[Byte], pixels: Pixels) {

    /** The stages' rows hold copies of the bytes, so that only the bytes themselves tell. They are compared in no time beside
      * what decoding takes.
      */
    def isOf(bytes: Array[Byte]): Boolean = java.util.Arrays.equals(encoded, bytes)
  }

  /** Rows that a filter drops leave their images behind; looking through these is to stay quick. */
  private val MostImages = 1024

  private val ofTasks = mutable.HashMap[TaskContext, DecodedImages]()

  /** Six 12-megapixel images a task, beside the one taken last; of all tasks of an executor together no more than an eighth
    * of its heap.
    */
  private def mostBytes: Long = {
    val tasks = ofTasks.synchronized(ofTasks.size)
    math.min(256L << 20, Runtime.getRuntime.maxMemory / 8 / math.max(1, tasks))
  }

  /** Those of a task; they are gone when it ends. */
  def of(task: TaskContext): DecodedImages = ofTasks.synchronized {
    ofTasks.getOrElse(
      task, {
        val images = new DecodedImages(mostBytes)
        ofTasks(task) = images
        task.addTaskCompletionListener[Unit](_ => ofTasks.synchronized { val _ = ofTasks.remove(task) })
        images
      }
    )
  }

  private def bytesOf(encoded: Array[Byte], pixels: PixelRows): Long =
    encoded.length + 3L * pixels.width * pixels.height

  /** Whether these are all of the image's pixels: fast decoding gives a smaller image. */
  private def isWhole(encoded: Array[Byte], pixels: PixelRows): Boolean =
    ImageHeader.read(encoded).pixelCount == pixels.width.toLong * pixels.height
}
