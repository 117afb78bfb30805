package sparkvision.ml

import scala.collection.mutable

import org.apache.spark.TaskContext

import sparkvision.engine.{ImageHeader, ModelListener, PixelRows, Pixels}

/** The pictures that a task's stages have decoded, for a later stage of the same task that needs their pixels too: rows
  * hold pictures encoded, and the second decoding would often cost more than all that the later stage does.
  *
  * Nothing is kept until a stage says that it will take pictures. Then a model keeps what it decodes, no more than the limit
  * allows, and each picture until it is taken; the oldest make room. Who finds none decodes anew, to the same pixels.
  *
  * @param mostBytes
  *   of encoded and decoded pictures together, at this time
  */
final private[ml] class DecodedPictures(mostBytes: => Long) extends ModelListener {
  import DecodedPictures._

  private val kept = mutable.ArrayDeque[Entry]()
  private var bytes = 0L
  @volatile private var areWanted = false

  /** From now on pictures are kept: a stage says so before it asks its input for the first row. */
  def keep(): Unit = areWanted = true

  override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit =
    if (areWanted && isWhole(encoded, pixels)) {
      val (size, most) = (bytesOf(encoded, pixels), mostBytes)
      if (size <= most) add(Entry(encoded, pixels.toPixels), size, most)
    }

  private def add(entry: Entry, size: Long, most: Long): Unit = synchronized {
    while (bytes + size > most || kept.size >= MostPictures) { val _ = remove(0) }
    kept += entry
    bytes += size
  }

  /** A picture's pixels, if they are here; then they are so no longer. */
  def take(encoded: Array[Byte]): Option[Pixels] = synchronized {
    // The stages' rows hold copies of the bytes, so that only the bytes themselves tell. They are compared in no time
    // beside what decoding takes.
    kept.indexWhere(entry => java.util.Arrays.equals(entry.encoded, encoded)) match {
      case -1 => None
      case index => Some(remove(index).pixels)
    }
  }

  private def remove(index: Int): Entry = {
    val entry = kept.remove(index)
    bytes -= bytesOf(entry.encoded, entry.pixels)
    entry
  }
}

private[ml] object DecodedPictures {

  final private case class Entry(encoded: Array[Byte], pixels: Pixels)

  /** Rows that a filter drops leave their pictures behind; looking through these is to stay quick. */
  private val MostPictures = 1024

  private val ofTasks = mutable.HashMap[TaskContext, DecodedPictures]()

  /** Six 12-megapixel pictures a task; of all tasks of an executor together no more than an eighth of its heap. */
  private def mostBytes: Long = {
    val tasks = ofTasks.synchronized(ofTasks.size)
    math.min(256L << 20, Runtime.getRuntime.maxMemory / 8 / math.max(1, tasks))
  }

  /** Those of a task; they are gone when it ends. */
  def of(task: TaskContext): DecodedPictures = ofTasks.synchronized {
    ofTasks.getOrElse(
      task, {
        val pictures = new DecodedPictures(mostBytes)
        ofTasks(task) = pictures
        task.addTaskCompletionListener[Unit](_ => ofTasks.synchronized { val _ = ofTasks.remove(task) })
        pictures
      }
    )
  }

  private def bytesOf(encoded: Array[Byte], pixels: PixelRows): Long =
    encoded.length + 3L * pixels.width * pixels.height

  /** Whether these are all of the picture's pixels: fast decoding gives a smaller picture. */
  private def isWhole(encoded: Array[Byte], pixels: PixelRows): Boolean =
    ImageHeader.read(encoded).pixelCount == pixels.width.toLong * pixels.height
}
