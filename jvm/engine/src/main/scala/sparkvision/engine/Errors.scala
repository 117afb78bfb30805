package sparkvision.engine

/** What SparkVision refuses. Every message says what went wrong, names the offending value and says what to do. */
sealed abstract class SparkVisionException(message: String, cause: Throwable) extends RuntimeException(message, cause)

/** An image that cannot be used: corrupt, oversized, of an unsupported format, or missing. */
final class ImageException(val reason: String, cause: Throwable = null) extends SparkVisionException(reason, cause)

/** A model bundle that is missing, damaged, unsafe, or contradicts itself. */
final class BundleException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** A preprocessing setting that SparkVision does not support, and will not silently ignore. */
final class ProcessorException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** A stage's or session's parameter whose value makes no sense. */
final class ParameterException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** An execution provider that cannot be used here, or that computes wrong numbers. */
final class ProviderException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)

/** A similarity index that is missing or damaged, or that cannot answer what it is asked. */
final class SimilarityIndexException(message: String, cause: Throwable = null)
    extends SparkVisionException(message, cause)
