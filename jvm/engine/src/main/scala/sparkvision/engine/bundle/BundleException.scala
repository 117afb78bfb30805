package sparkvision.engine.bundle

import sparkvision.image.SparkVisionException

/** A model bundle that is missing, damaged, unsafe, or contradicts itself. */
final class BundleException(message: String, cause: Throwable = null) extends SparkVisionException(message, cause)
