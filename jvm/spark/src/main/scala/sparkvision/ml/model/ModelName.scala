package sparkvision.ml.model

import scala.math.Ordering.Implicits._

import sparkvision.image.ParameterException

/** A model's name and, where one is asked for, its version: `my-vit`, `google/vit-base-patch16-224`, `my-vit:2`. */
final private[ml] case class ModelName(name: String, version: Option[String]) {
  override def toString: String = name + version.fold("")(":" + _)
}

private[ml] object ModelName {
  // No segment may begin with a dot: such a name would lead out of the model home.
  private val Segment = "[A-Za-z0-9_][A-Za-z0-9._-]*"
  private val Pattern = s"($Segment(?:/$Segment)?)(?::($Segment))?".r

  /** @param text
    *   `NAME` or `NAME:VERSION`
    * @throws ParameterException
    *   when it is neither
    */
  def parse(text: String): ModelName = text match {
    case Pattern(name, version) => ModelName(name, Option(version))
    case _ =>
      throw new ParameterException(
        s"'$text' is no name of a model. Give NAME, GROUP/NAME, NAME:VERSION or GROUP/NAME:VERSION, of letters, digits, " +
          "'.', '_' and '-', or load a bundle from its path with loadSavedModel."
      )
  }

  /** Versions from the oldest to the newest, compared part by part (parts end at `.`, `_` and `-`), numbers by their value:
    * 1.10 is newer than 1.9.
    */
  val byVersion: Ordering[String] = Ordering.by { version =>
    version.split("[._-]").toSeq.map { part =>
      if (part.nonEmpty && part.forall(_.isDigit)) (1, BigInt(part), "") else (0, BigInt(0), part)
    }
  }
}
