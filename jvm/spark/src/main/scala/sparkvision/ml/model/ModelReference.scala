package sparkvision.ml.model

import org.apache.spark.SparkContext
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleManifest, ModelBundle}

/** A model as stages and query plans refer to it: the location of the bundle and, if known, the content that it must have.
  * The bundle is fetched and sent to the executors when the execution of a query starts.
  *
  * @param uri
  *   a folder, any URI that Hadoop reads, or `embedded:NAME`
  * @param sent
  *   keeps the model alive after it was sent; it is not compared
  */
final private[ml] case class ModelReference(uri: String, bundleHash: Option[String])(sent: SentModel) {

  /** Fetches the bundle into the driver's store, unless the store has it.
    *
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the folder is no bundle, the bundle is damaged, or it is another one
    */
  def bundle(spark: SparkSession): ModelBundle = ModelStore.resolve(uri, bundleHash, spark)

  /** Sends the bundle to the executors, or lets them read it. */
  def send(bundle: ModelBundle, context: SparkContext): DistributedModel = {
    val model = ModelDistributor.distribute(bundle, uri, context)
    sent.keep(model)
    model
  }

  /** The beginning of the bundle's hash, or the location if the hash is not known. */
  override def toString: String = bundleHash.fold(uri)(_.take(12))
}

/** What is known about a model while a query is planned.
  *
  * @param stored
  *   the bundle, if the driver's store has it
  */
final private[ml] case class ModelDescription(
    reference: ModelReference,
    manifest: BundleManifest,
    stored: Option[ModelBundle]
)

private[ml] object ModelDescription {

  /** The description of the bundle at `uri`. Reads no more than the manifest of a bundle that the driver's store does not
    * have. The bundle is fetched where it has no manifest, as in Spark NLP's layout, and where the manifest does not suffice.
    *
    * @param bundleHash
    *   the content that the bundle must have
    * @param sent
    *   keeps the model alive after it was sent
    * @param suffices
    *   whether a query can be planned with a manifest that was not compared with its graph, which may fix more sizes
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the folder is no bundle, or the bundle is another one or cannot be read
    */
  def of(uri: String, bundleHash: Option[String], sent: SentModel, spark: SparkSession)(
      suffices: BundleManifest => Boolean
  ): ModelDescription =
    ModelStore
      .known(uri, bundleHash, spark)
      .map(stored(uri, _, sent))
      .orElse(declared(uri, bundleHash, sent, spark).filter(description => suffices(description.manifest)))
      .getOrElse(stored(uri, ModelStore.resolve(uri, bundleHash, spark), sent))

  private def stored(uri: String, bundle: ModelBundle, sent: SentModel) =
    ModelDescription(ModelReference(uri, Some(bundle.bundleHash))(sent), bundle.manifest, Some(bundle))

  private def declared(
      uri: String,
      bundleHash: Option[String],
      sent: SentModel,
      spark: SparkSession
  ): Option[ModelDescription] =
    BundleFiles
      .manifest(uri, spark)
      .map { case (manifest, hash) =>
        bundleHash.foreach(ModelStore.requireHash(hash, _, uri))
        ModelDescription(ModelReference(uri, Some(hash))(sent), manifest, None)
      }
}
