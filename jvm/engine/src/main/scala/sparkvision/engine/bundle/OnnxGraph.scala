package sparkvision.engine.bundle

import java.nio.channels.FileChannel
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Path, StandardOpenOption}
import java.nio.{BufferUnderflowException, ByteBuffer, ByteOrder}

import scala.collection.mutable
import scala.util.Using

/** The inputs and outputs of an ONNX file, read without a runtime: a bundle is checked before native code reads it, and the
  * driver knows a model's inputs and outputs without loading the model.
  *
  * @param externalData
  *   the files with weights outside the graph, relative to the folder of the graph
  */
final case class OnnxGraph(inputs: Seq[TensorInfo], outputs: Seq[TensorInfo], externalData: Set[String])

object OnnxGraph {

  /** @throws BundleException
    *   when the file is not an ONNX graph
    */
  def read(file: Path): OnnxGraph =
    Using.resource(FileChannel.open(file, StandardOpenOption.READ)) { channel =>
      // A protobuf message has less than 2 GB (larger models have external data), so one mapping is enough.
      if (channel.size > Int.MaxValue) throw notOnnx(file, "it is larger than a protobuf message may be (2 GB)")
      val bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size).order(ByteOrder.LITTLE_ENDIAN)
      try new OnnxReader().model(bytes)
      catch {
        case e @ (_: BufferUnderflowException | _: IllegalArgumentException | _: StackOverflowError) =>
          throw notOnnx(file, s"its protobuf structure is broken (${e.getClass.getSimpleName})")
      }
    }

  private def notOnnx(file: Path, problem: String) =
    new BundleException(s"$file is not an ONNX graph: $problem. Export the model again.")
}

/** Reads the few messages of onnx.proto that [[OnnxGraph]] needs. Weights are skipped by their length and never read.
  *
  * Field numbers are those of onnx/onnx.proto (IR version 13).
  */
final private class OnnxReader {
  private val inputs = mutable.ArrayBuffer[TensorInfo]()
  private val outputs = mutable.ArrayBuffer[TensorInfo]()
  private val initializers = mutable.Set[String]()
  private val externalData = mutable.Set[String]()
  private var hasGraph = false

  def model(bytes: ByteBuffer): OnnxGraph = {
    fields(bytes) {
      case (7, graphBytes) => hasGraph = true; graph(graphBytes, isMain = true)
      case (20, training) => fields(training) { case (1 | 2, sub) => graph(sub, isMain = false) }
      case (25, function) =>
        fields(function) {
          case (7, nodeBytes) => node(nodeBytes)
          case (11, attributeBytes) => attribute(attributeBytes)
        }
    }
    if (!hasGraph) throw new IllegalArgumentException("no graph")
    // Before IR version 4 every initializer was listed among the inputs as well.
    OnnxGraph(inputs.toSeq.filterNot(i => initializers(i.name)), outputs.toSeq, externalData.toSet)
  }

  private def graph(bytes: ByteBuffer, isMain: Boolean): Unit = fields(bytes) {
    case (1, nodeBytes) => node(nodeBytes)
    case (5, tensorBytes) => initializers ++= tensor(tensorBytes)
    case (11, value) if isMain => inputs += valueInfo(value)
    case (12, value) if isMain => outputs += valueInfo(value)
    case (15, sparse) => sparseTensor(sparse)
  }

  private def node(bytes: ByteBuffer): Unit = fields(bytes) { case (5, attributeBytes) => attribute(attributeBytes) }

  private def attribute(bytes: ByteBuffer): Unit = fields(bytes) {
    case (5 | 10, tensorBytes) => tensor(tensorBytes)
    case (6 | 11, sub) => graph(sub, isMain = false)
    case (22 | 23, sparse) => sparseTensor(sparse)
  }

  private def sparseTensor(bytes: ByteBuffer): Unit = fields(bytes) { case (1 | 2, tensorBytes) => tensor(tensorBytes) }

  /** Returns the name of the tensor, and adds its external location, if it has one, to [[externalData]]. */
  private def tensor(bytes: ByteBuffer): Option[String] = {
    var name = Option.empty[String]
    fields(bytes) {
      case (8, text) => name = Some(string(text))
      case (13, entry) =>
        var (key, value) = ("", "")
        fields(entry) {
          case (1, text) => key = string(text)
          case (2, text) => value = string(text)
        }
        if (key == "location") externalData += value
    }
    name
  }

  private def valueInfo(bytes: ByteBuffer): TensorInfo = {
    var name = ""
    var elementType = 0L
    val shape = mutable.ArrayBuffer[Long]()
    fields(bytes) {
      case (1, text) => name = string(text)
      case (2, valueType) =>
        fields(valueType) { case (1, tensorType) =>
          numbers(tensorType) { case (1, number) => elementType = number }
          fields(tensorType) { case (2, dimensions) =>
            fields(dimensions) { case (1, dimension) =>
              var size = -1L
              numbers(dimension) { case (1, number) => size = number }
              shape += size
            }
          }
        }
    }
    TensorInfo(name, OnnxReader.elementTypes.getOrElse(elementType.toInt, s"onnx type $elementType"), shape.toSeq)
  }

  private def string(bytes: ByteBuffer): String = {
    val text = new Array[Byte](bytes.remaining)
    bytes.get(text)
    new String(text, UTF_8)
  }

  /** Calls `visit` with the number and bytes of every length-delimited field that it is defined for. */
  private def fields(message: ByteBuffer)(visit: PartialFunction[(Int, ByteBuffer), Unit]): Unit =
    walk(message)((number, bytes) => visit.applyOrElse((number, bytes), (_: (Int, ByteBuffer)) => ()))((_, _) => ())

  /** Calls `visit` with the number and value of every varint field that it is defined for. */
  private def numbers(message: ByteBuffer)(visit: PartialFunction[(Int, Long), Unit]): Unit =
    walk(message)((_, _) => ())((number, value) => visit.applyOrElse((number, value), (_: (Int, Long)) => ()))

  /** Protobuf's wire format: a field is a key (number * 8 + wire type) and a value of that wire type. */
  private def walk(message: ByteBuffer)(onBytes: (Int, ByteBuffer) => Unit)(onNumber: (Int, Long) => Unit): Unit = {
    val in = message.duplicate.order(ByteOrder.LITTLE_ENDIAN)
    while (in.hasRemaining) {
      val key = varint(in)
      // Protobuf keys have 32 bits. Parsers truncate longer keys, and would read another field than this reader.
      if (key >>> 32 != 0 || key >>> 3 == 0) throw new IllegalArgumentException(s"field key $key")
      val number = (key >>> 3).toInt
      (key & 7).toInt match {
        case 0 => onNumber(number, varint(in))
        case 1 => skip(in, 8)
        case 2 =>
          val length = varint(in)
          if (length < 0 || length > in.remaining) throw new BufferUnderflowException
          val bytes = in.slice(in.position(), length.toInt)
          skip(in, length)
          onBytes(number, bytes)
        case 5 => skip(in, 4)
        case other => throw new IllegalArgumentException(s"wire type $other")
      }
    }
  }

  private def skip(in: ByteBuffer, length: Long): Unit =
    if (length > in.remaining) throw new BufferUnderflowException else in.position(in.position() + length.toInt)

  private def varint(in: ByteBuffer): Long = {
    var result = 0L
    var shift = 0
    var more = true
    while (more) {
      if (shift > 63) throw new IllegalArgumentException("varint")
      val byte = in.get()
      result |= (byte & 0x7fL) << shift
      shift += 7
      more = byte < 0
    }
    result
  }
}

private object OnnxReader {

  /** TensorProto.DataType. */
  val elementTypes: Map[Int, String] = Map(
    1 -> "float32",
    2 -> "uint8",
    3 -> "int8",
    6 -> "int32",
    7 -> "int64",
    10 -> "float16",
    11 -> "float64",
    16 -> "bfloat16"
  )
}
