package sparkvision.ml.task

import scala.collection.mutable

import org.apache.spark.TaskContext

import sparkvision.engine.session.{ExecutorRuntime, ModelListener}
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageInput, PixelRows, Pixels}

/** The images that the stages of a task have decoded, for a later stage of the same task that needs their pixels too. Rows
  * hold encoded images, and decoding them again would often cost more than everything else in the later stage.
  *
  * Nothing is kept until a stage announces that it will take images. Then the models before that stage keep the images that
  * they decode, up to a limit; the oldest images are dropped first. A taken image stays until another image is taken,
  * because several stages may take it, and the rows that a cropper makes from it too. A stage that does not find an image
  * decodes it again, to the same pixels.
  *
  * @param mostBytes
  *   the current limit for encoded and decoded images together
  */
final private[ml] class DecodedImages(mostBytes: => Long) {
  import DecodedImages._

  private val kept = mutable.ArrayDeque[Entry]()
  private var bytes = 0L
  private var taken = Option.empty[Entry]
  @volatile private var takers = 0

  /** Announces that a stage will take images. The stage calls this before it reads its first row. */
  def keep(): Unit = takers += 1

  /** Keeps what a stage decodes, if a later stage takes images. Spark creates the stages of a task in the order in which rows
    * pass them.
    */
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

  /** The image with its pixels if they are kept, or else the unchanged image.
    *
    * @param maxPixels
    *   the limit of the stage that takes the image; an earlier stage may read larger images
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

    /** Whether these are the image's bytes. The rows of the stages hold copies, so that the content is compared, which is fast
      * compared to decoding.
      */
    def isOf(bytes: Array[Byte]): Boolean = java.util.Arrays.equals(encoded, bytes)
  }

  /** The images of rows that a filter drops are never taken. This limit keeps the search among them fast. */
  private val MostImages = 1024

  /** The images of the tasks of this process. */
  final private class Tasks {
    private val images = mutable.HashMap[TaskContext, DecodedImages]()

    /** Six images of 12 megapixels per task, in addition to the image taken last. All tasks of an executor together use at most
      * an eighth of its heap.
      */
    private def mostBytes: Long = {
      val tasks = synchronized(images.size)
      math.min(256L << 20, Runtime.getRuntime.maxMemory / 8 / math.max(1, tasks))
    }

    def of(task: TaskContext): DecodedImages = synchronized {
      images.getOrElse(
        task, {
          val ofTask = new DecodedImages(mostBytes)
          images(task) = ofTask
          task.addTaskCompletionListener[Unit](_ => synchronized { val _ = images.remove(task) })
          ofTask
        }
      )
    }
  }

  /** The images of a task, which are dropped when the task ends. */
  def of(task: TaskContext): DecodedImages = ExecutorRuntime.ofThisProcess.part(classOf[Tasks])(new Tasks).of(task)

  private def bytesOf(encoded: Array[Byte], pixels: PixelRows): Long =
    encoded.length + 3L * pixels.width * pixels.height

  /** Whether these are all pixels of the image: fast decoding returns a smaller image. */
  private def isWhole(encoded: Array[Byte], pixels: PixelRows): Boolean =
    ImageHeader.read(encoded).pixelCount == pixels.width.toLong * pixels.height
}
