package sparkvision.ml.stage

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask}

/** The bundles that CLIP's stages run. */
private[ml] object ZeroShotBundles {

  /** @throws BundleException
    *   when it is another's, naming the stage that runs it
    */
  def require(stage: ModelStage, manifest: BundleManifest): Unit =
    if (manifest.task != ModelTask.ZeroShotImageClassification)
      throw new BundleException(
        s"The bundle at ${stage.modelUri} is for ${manifest.task.name}, and reads no texts. Use " +
          s"${ModelFamily.stageFor(manifest)}, or export a CLIP checkpoint with `sparkvision export --task " +
          s"${ModelTask.ZeroShotImageClassification.name}`."
      )
}
