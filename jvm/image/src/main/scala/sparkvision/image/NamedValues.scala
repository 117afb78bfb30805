package sparkvision.image

/** Values of a setting, which users choose by name. */
private[sparkvision] object NamedValues {

  /** The value that prints as `name`.
    *
    * @throws ParameterException
    *   when there is none, naming those there are
    */
  def parse[V](setting: String, values: Seq[V], name: String): V = values.find(_.toString == name).getOrElse {
    throw new ParameterException(s"Unknown $setting '$name'; it is one of ${values.mkString(", ")}.")
  }
}
