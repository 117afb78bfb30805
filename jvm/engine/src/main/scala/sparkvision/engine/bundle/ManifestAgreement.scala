package sparkvision.engine.bundle

/** Compares a manifest with the graph and the files. A bundle is untrusted input, and a manifest that contradicts its graph
  * would otherwise fail inside ONNX Runtime, or produce wrong results.
  */
private[engine] object ManifestAgreement {
  import ManifestRules.{refused, text}

  /** @param where
    *   the location of the bundle, for messages
    * @return
    *   the manifest, in which sizes that are variable (-1) are replaced by those that the graph fixes
    * @throws BundleException
    *   naming what does not agree
    */
  def require(manifest: BundleManifest, graph: OnnxGraph, where: String): BundleManifest = {
    ManifestRules.requireTensors(manifest, where)
    val agreed = manifest.copy(
      inputs = manifest.inputs.map(agree("input", _, graph.inputs, where)),
      outputs = manifest.outputs.map(agree("output", _, graph.outputs, where))
    )
    requireInputs(agreed, graph, where)
    val input = agreed.inputs.head
    if (!TensorInfo.Floats(input.elementType) || input.shape.size != 4)
      throw new BundleException(
        s"The input '${input.name}' of the bundle $where is ${input.elementType} ${text(input.shape)}; SparkVision feeds " +
          "float32 or float16 of shape [images, 3, height, width], or [images, height, width, 3] with inputLayout NHWC. Export " +
          "the model with `sparkvision export`."
      )
    val read = agreed.task match {
      case ModelTask.ImageClassification | ModelTask.ZeroShotImageClassification => agreed.outputs.take(1)
      case ModelTask.FeatureExtraction | ModelTask.ObjectDetection => agreed.outputs
    }
    read.foreach(requireFloats(_, where))
    new ManifestRules(agreed, where, mayBeOpen = false).require()
    agreed.golden.foreach(requireGolden(_, agreed, where))
    agreed
  }

  /** The inputs are images and, for a detection model, the mask of their padding. */
  private def requireInputs(manifest: BundleManifest, graph: OnnxGraph, where: String): Unit = {
    val masks = manifest.task match {
      case ModelTask.ObjectDetection => manifest.inputs.drop(1).filter(_.name == TensorInfo.PixelMask)
      case _ => Seq.empty
    }
    if (graph.inputs.size != 1 + masks.size || manifest.inputs.size != 1 + masks.size)
      throw new BundleException(
        s"The graph of the bundle $where takes ${graph.inputs.size} inputs (${graph.inputs.map(_.name).mkString(", ")}); " +
          s"SparkVision feeds one, and to detection models ${TensorInfo.PixelMask}. Export the model with `sparkvision export`."
      )
    masks.filter(mask => mask.elementType != TensorInfo.Int64 || mask.shape.size != 3).foreach { mask =>
      throw refused(
        where,
        s"says '${mask.name}' is ${mask.elementType} ${text(mask.shape)} instead of int64 [images, height, width]"
      )
    }
  }

  def agree(kind: String, declared: TensorInfo, actual: Seq[TensorInfo], where: String): TensorInfo = {
    val found = actual.find(_.name == declared.name).getOrElse {
      throw refused(
        where,
        s"names the $kind '${declared.name}', but the graph has ${actual.map(_.name).mkString(", ")}"
      )
    }
    if (declared.elementType != found.elementType)
      throw refused(
        where,
        s"says the $kind '${declared.name}' is ${declared.elementType}, but the graph says ${found.elementType}"
      )
    if (!fits(declared.shape, found.shape))
      throw refused(
        where,
        s"says the $kind '${declared.name}' has shape ${text(declared.shape)}, but the graph says ${text(found.shape)}"
      )
    declared.copy(shape = declared.shape.zip(found.shape).map { case (said, fixed) => if (fixed < 0) said else fixed })
  }

  /** Same rank, and the same size wherever both are fixed. */
  private def fits(one: Seq[Long], other: Seq[Long]): Boolean =
    one.size == other.size && one.zip(other).forall { case (a, b) => a == -1 || b == -1 || a == b }

  def requireFloats(output: TensorInfo, where: String): Unit =
    if (!TensorInfo.Floats(output.elementType))
      throw new BundleException(
        s"The output '${output.name}' of the bundle $where is ${output.elementType}; SparkVision reads float32 " +
          "and float16. Export the model with `sparkvision export`."
      )

  def requireGolden(golden: GoldenPair, manifest: BundleManifest, where: String): Unit = {
    Seq(
      ("input", golden.input, golden.inputShape, manifest.inputs.head),
      ("output", golden.output, golden.outputShape, manifest.outputs.head)
    ).foreach { case (kind, file, shape, tensor) =>
      if (shape.isEmpty || shape.exists(_ <= 0))
        throw refused(where, s"declares the golden $kind with the shape ${text(shape)}; every size must be at least 1")
      val (actual, expected) = (manifest.files(file).size, shape.map(BigInt(_)).product * 4)
      if (expected != actual)
        throw refused(
          where,
          s"declares the golden $kind with the shape ${text(shape)}, which takes $expected bytes, but $file has $actual"
        )
      if (!fits(shape, tensor.shape))
        throw refused(
          where,
          s"declares the golden $kind with the shape ${text(shape)}, which does not fit '${tensor.name}' ${text(tensor.shape)}"
        )
    }
    if (golden.inputShape.head != golden.outputShape.head)
      throw refused(
        where,
        s"has a golden input of ${golden.inputShape.head} images and a golden output of ${golden.outputShape.head}"
      )
  }

}

/** Compares the text model of a manifest with the graph and the files, as [[ManifestAgreement]] does for the image model. */
private[engine] object TextAgreement {
  import ManifestAgreement.{agree, requireFloats, requireGolden}
  import ManifestRules.{refused, text}

  /** @param where
    *   the location of the bundle, for messages
    * @return
    *   the manifest, in which sizes that are variable (-1) are replaced by those that the text graph fixes
    * @throws BundleException
    *   naming what does not agree
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
    new ManifestRules(manifest, where, mayBeOpen = false).requireShape(agreed.output, "texts", "size")
    val size = manifest.outputs.head.shape.last
    if (agreed.output.shape.last != size)
      throw refused(
        where,
        s"declares text embeddings of ${agreed.output.shape.last} numbers and image embeddings of $size, which cannot be compared"
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
