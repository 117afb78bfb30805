package sparkvision.engine.bundle

import sparkvision.image.preprocess.ChannelLayout

/** Refuses a manifest that contradicts itself. No graph is read: a query is planned from the manifest alone, before the other
  * files of the bundle are fetched.
  *
  * @param where
  *   the location of the bundle, for messages
  * @param mayBeOpen
  *   whether the size of an output may be variable (-1), as in a manifest that was not compared with its graph
  */
final private[engine] class ManifestRules(manifest: BundleManifest, where: String, mayBeOpen: Boolean) {
  import ManifestRules._

  /** @throws BundleException
    *   naming the contradiction
    */
  def require(): Unit = {
    requireTensors(manifest, where)
    manifest.task match {
      case ModelTask.ImageClassification => requireLabels()
      case ModelTask.FeatureExtraction => requireFeatures()
      case ModelTask.ZeroShotImageClassification =>
        requireShape(manifest.outputs.head, "images", "size")
        if (manifest.text.isEmpty) throw refused(where, s"is for ${manifest.task.name}, but names no text model")
      case ModelTask.ObjectDetection => requireDetections()
    }
  }

  private def requireLabels(): Unit = {
    val classes = manifest.outputs.head.shape.lastOption.getOrElse(-1L)
    if (classes >= 0 && manifest.labels.size != classes)
      throw new BundleException(
        s"The bundle $where has ${manifest.labels.size} labels, but its graph returns $classes logits for each image. " +
          "Export it again with labels that match (`sparkvision export --labels FILE`)."
      )
  }

  private def requireFeatures(): Unit = {
    if (manifest.outputs.head.name != TensorInfo.HiddenState)
      throw refused(
        where,
        s"is for feature-extraction, but its first output is '${manifest.outputs.head.name}' instead of " +
          s"'${TensorInfo.HiddenState}'"
      )
    requireShape(manifest.outputs.head, "images", "tokens", "size")
    manifest.outputs
      .filter(_.name == TensorInfo.PoolerOutput)
      .foreach(requireShape(_, "images", "size"))
  }

  private def requireDetections(): Unit = {
    if (manifest.outputs.map(_.name) != Seq(TensorInfo.Logits, TensorInfo.Boxes))
      throw refused(
        where,
        s"is for object-detection, but its outputs are ${manifest.outputs.map(_.name).mkString(", ")} instead of " +
          s"${TensorInfo.Logits}, ${TensorInfo.Boxes}"
      )
    val takesAnySize = manifest.inputs.head.shape.drop(2).forall(_ == -1)
    if (manifest.inputLayout != ChannelLayout.ChannelsFirst || !takesAnySize)
      throw refused(
        where,
        s"is for object-detection, but its input is ${text(manifest.inputs.head.shape)} and not [images, 3, height, width] " +
          "with any height and width"
      )
    Seq(manifest.outputs.head -> (manifest.labels.size + 1L), manifest.outputs.last -> 4L).foreach {
      case (output, size) =>
        if (output.shape.size != 3 || !isOpen(output) && output.shape.last != size)
          throw refused(
            where,
            s"declares '${output.name}' with the shape ${text(output.shape)} instead of [images, queries, $size] for its " +
              s"${manifest.labels.size} labels"
          )
    }
  }

  /** The driver needs the size of the embeddings before any model runs. */
  def requireShape(output: TensorInfo, axes: String*): Unit =
    if (output.shape.size != axes.size || !isOpen(output) && output.shape.last < 1)
      throw refused(
        where,
        s"declares '${output.name}' with the shape ${text(output.shape)} instead of ${axes.mkString("[", ", ", "]")} with a fixed size"
      )

  private def isOpen(output: TensorInfo): Boolean = mayBeOpen && output.shape.lastOption.contains(-1L)
}

private[engine] object ManifestRules {

  /** @throws BundleException
    *   when the manifest has no input or no output
    */
  def requireTensors(manifest: BundleManifest, where: String): Unit =
    if (manifest.inputs.isEmpty || manifest.outputs.isEmpty)
      throw refused(where, "names no input or no output")

  def text(shape: Seq[Long]): String = shape.mkString("[", ", ", "]")

  def refused(where: String, problem: String) = new BundleException(
    s"${BundleManifest.FileName} of the bundle $where $problem. Export the model again with `sparkvision export`."
  )
}
