package sparkvision.engine.similarity

import sparkvision.image.SparkVisionException

/** A similarity index that is missing or damaged, or that cannot answer the question that it is asked. */
final class SimilarityIndexException(message: String, cause: Throwable = null)
    extends SparkVisionException(message, cause)
