package sparkvision.ml.model

/** Keeps the model that was sent to the executors alive, because [[ModelDistributor]] refers to sent models only weakly. A
  * stage and the plans of its queries share one holder: the next query of the stage does not send the model again, and the
  * model is freed after the stage and its plans.
  */
final private[ml] class SentModel extends Serializable {
  @transient @volatile private[model] var model = Option.empty[DistributedModel]

  /** Keeps `sent` instead of the model before. */
  private[model] def keep(sent: DistributedModel): Unit = model = Some(sent)
}
