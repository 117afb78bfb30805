package sparkvision.engine.bundle

/** Holds what a manifest says of its text model against the graph and the files, as [[ManifestAgreement]] does for the
  * images' half.
  */
private[engine] object TextAgreement {
  import ManifestAgreement._

  /** @param where
    *   the bundle's place, for messages
    * @return
    *   the manifest, with the text graph's sizes where that fixes what the manifest leaves open (-1)
    * @throws BundleException
    *   naming what disagrees
    */
  def require(manifest: BundleManifest, declared: TextModel, graph: OnnxGraph, where: String): BundleManifest = {
    if (manifest.task != ModelTask.ZeroShotImageClassification)
      throw refused(where, s"is for ${manifest.task.name}, and names a text model")
    val agreed = declared.copy(
      input = agree("input", declared.input, graph.inputs, where),
      output = agree("output", declared.output, graph.outputs, where)
    )
    requireTokens(agreed.input, graph, where)
    requireFloats(agreed.output, where)
    requireShape(agreed.output, where, "texts", "size")
    val size = manifest.outputs.head.shape.last
    if (agreed.output.shape.last != size)
      throw refused(
        where,
        s"gives texts ${agreed.output.shape.last} numbers and images $size: the two do not compare"
      )
    if (!(agreed.logitScale > 0) || agreed.logitScale.isInfinite)
      throw refused(where, s"has the logitScale ${agreed.logitScale}")
    requireLabelEmbeddings(manifest, agreed, where)
    val whole = manifest.copy(text = Some(agreed))
    requireGolden(agreed.golden, whole.copy(inputs = Seq(agreed.input), outputs = Seq(agreed.output)), where)
    whole
  }

  private def requireTokens(input: TensorInfo, graph: OnnxGraph, where: String): Unit =
    if (graph.inputs.size != 1 || input.elementType != TensorInfo.Int64 || input.shape != Seq(-1L, -1L))
      throw refused(
        where,
        s"has a text graph with the inputs ${graph.inputs.map(i => s"${i.name} ${i.elementType} ${text(i.shape)}").mkString(", ")}; " +
          "SparkVision feeds one, of int64 and shape [texts, tokens], both free"
      )

  private def requireLabelEmbeddings(manifest: BundleManifest, declared: TextModel, where: String): Unit = {
    val expected = manifest.labels.size * declared.output.shape.last * java.lang.Float.BYTES
    val found = declared.labelEmbeddings.fold(0L)(manifest.files(_).size)
    if (found != expected)
      throw refused(
        where,
        s"has ${manifest.labels.size} labels, whose embeddings take $expected bytes, but names a file of $found for them"
      )
  }
}
