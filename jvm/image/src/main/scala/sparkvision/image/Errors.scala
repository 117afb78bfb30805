package sparkvision.image

/** The base of all exceptions of SparkVision. Every message states what went wrong, the offending value, and what to do. */
abstract class SparkVisionException(message: String, cause: Throwable) extends RuntimeException(message, cause)

/** An image that cannot be used: corrupt, oversized, of an unsupported format, or missing. */
final class ImageException(val reason: String, cause: Throwable = null) extends SparkVisionException(reason, cause)

/** A preprocessing setting that SparkVision does not support and therefore refuses. */
final class ProcessorException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** A parameter of a stage, a session or a function that has an invalid value. */
final class ParameterException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** A native library or an execution provider that cannot be used on this machine, or that computes wrong numbers. */
final class ProviderException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)
