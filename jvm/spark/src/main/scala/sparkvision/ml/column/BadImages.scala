package sparkvision.ml.column

import sparkvision.image.{ImageException, ParameterException}
import sparkvision.ml.param.BadImageMode

/** Applies `badImageMode` to rows whose image cannot be used. */
private[ml] object BadImages {

  /** The result to keep, or None for a row to drop.
    *
    * @throws ImageException
    *   in the mode FAILFAST, for the first image that cannot be used
    */
  def handle[R](mode: String, source: SourceImage, result: Either[String, R]): Option[Either[String, R]] =
    (mode, result) match {
      case (_, Right(_)) | (BadImageMode.Permissive, _) => Some(result)
      case (BadImageMode.DropMalformed, _) => None
      case (BadImageMode.FailFast, Left(reason)) =>
        val name = if (source.origin.isEmpty) "An image without origin" else s"The image ${source.origin}"
        throw new ImageException(
          s"$name cannot be used: $reason. To go on without it set badImageMode to ${BadImageMode.Permissive} (its row " +
            s"keeps the reason in errorCol) or ${BadImageMode.DropMalformed}."
        )
      case (other, _) => throw new ParameterException(s"Unknown badImageMode '$other'.")
    }
}
