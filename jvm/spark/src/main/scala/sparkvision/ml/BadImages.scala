package sparkvision.ml

import sparkvision.engine.{ImageException, ParameterException}

/** What becomes of a row whose picture cannot be used. */
private[ml] object BadImages {

  /** The result to keep, or None for a row to drop.
    *
    * @throws ImageException
    *   in FAILFAST mode, for the first bad picture
    */
  def handle[R](mode: String, source: SourcePicture, result: Either[String, R]): Option[Either[String, R]] =
    (mode, result) match {
      case (_, Right(_)) | (BadImageMode.Permissive, _) => Some(result)
      case (BadImageMode.DropMalformed, _) => None
      case (BadImageMode.FailFast, Left(reason)) =>
        val name = if (source.origin.isEmpty) "A picture without origin" else s"The picture ${source.origin}"
        throw new ImageException(
          s"$name cannot be used: $reason. To go on without it set badImageMode to ${BadImageMode.Permissive} (its row " +
            s"keeps the reason in errorCol) or ${BadImageMode.DropMalformed}."
        )
      case (other, _) => throw new ParameterException(s"Unknown badImageMode '$other'.")
    }
}
