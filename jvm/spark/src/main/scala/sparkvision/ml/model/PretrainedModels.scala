package sparkvision.ml.model

import java.nio.file.Path

import org.apache.spark.sql.{DataFrame, SparkSession}

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels, ModelBundle}

/** Finds models by name: first in the jar, then in the folder of the driver's environment variable `SPARKVISION_HOME`, then
  * below the URI in the setting `spark.sparkvision.modelHome`.
  *
  * {{{
  * PretrainedModels.push("my-vit", "hdfs:///models", "my-vit", spark)      // hdfs:///models/my-vit/1
  * spark.conf.set("spark.sparkvision.modelHome", "hdfs:///models")
  * ViTForImageClassification.pretrained("my-vit")                          // the newest version
  * ViTForImageClassification.pretrained("my-vit:1")
  * }}}
  */
object PretrainedModels {
  private val HomeVariable = "SPARKVISION_HOME"
  private val HomeSetting = "spark.sparkvision.modelHome"

  /** The location of a model: `embedded:NAME`, or the URI of its bundle.
    *
    * @param name
    *   `NAME` for the newest version, or `NAME:VERSION`
    * @throws BundleException
    *   when there is no such model, with the searched places and the commands that create it
    */
  def find(name: String, spark: SparkSession): String = find(name, spark, sys.env)

  private[ml] def find(name: String, spark: SparkSession, environment: Map[String, String]): String = {
    val model = ModelName.parse(name)
    val places = homes(spark, environment)
    embedded(model).orElse(places.iterator.flatMap(_._2.find(model)).nextOption()).getOrElse {
      throw new BundleException(missing(model, places))
    }
  }

  /** All models that [[find]] finds: one row per model and version, with the columns `name`, `version` (null for embedded
    * models), `uri` and `place`.
    */
  def list(spark: SparkSession): DataFrame = list(spark, sys.env)

  private[ml] def list(spark: SparkSession, environment: Map[String, String]): DataFrame = {
    val inJar = EmbeddedModels.names.map(name => (name, Option.empty[String], EmbeddedModels.Scheme + name, "embedded"))
    val inHomes = homes(spark, environment).flatMap { case (place, home) =>
      home.models.map(model => (model.name, model.version, home.find(model).orNull, place))
    }
    spark.createDataFrame(inJar ++ inHomes).toDF("name", "version", "uri", "place")
  }

  /** Copies a bundle to a model home, completely or not at all.
    *
    * @param bundle
    *   the bundle's folder on the driver
    * @param home
    *   any URI that Hadoop writes to. Set `spark.sparkvision.modelHome` to it to find the model
    * @param name
    *   `NAME`, or `NAME:VERSION`; without a version the bundle gets the next integer, unless it is the newest version already
    * @return
    *   the URI of the bundle in the home
    * @throws ParameterException
    *   when there is no such folder, or the name has another form
    * @throws BundleException
    *   when the bundle is damaged, the version holds another bundle, or the home cannot be written to
    */
  def push(bundle: String, home: String, name: String, spark: SparkSession): String = {
    val opened = ModelBundle.open(Path.of(bundle))
    if (!opened.fileNames.contains(BundleManifest.FileName))
      throw new BundleException(
        s"The folder $bundle has no ${BundleManifest.FileName}, so that its files are not protected by hashes: export or import the " +
          "model with `sparkvision export` or `sparkvision import`, and push the result."
      )
    new ModelHome(home, spark).push(opened, ModelName.parse(name))
  }

  private def embedded(model: ModelName): Option[String] =
    Option.when(model.version.isEmpty && EmbeddedModels.names.contains(model.name))(EmbeddedModels.Scheme + model.name)

  private def homes(spark: SparkSession, environment: Map[String, String]): Seq[(String, ModelHome)] = {
    val local = environment.get(HomeVariable).filter(_.nonEmpty).map(Path.of(_).toAbsolutePath.toUri.toString)
    val shared = spark.conf.getOption(HomeSetting).filter(_.nonEmpty)
    (local.map(HomeVariable -> _) ++ shared.map(HomeSetting -> _)).toSeq.map { case (place, uri) =>
      place -> new ModelHome(uri, spark)
    }
  }

  private def missing(model: ModelName, places: Seq[(String, ModelHome)]): String = {
    val looked = places.map { case (place, home) =>
      val versions = home.versions(model.name)
      s"$place=${home.uri} (${if (versions.isEmpty) "no such name" else s"versions ${versions.mkString(", ")}"})"
    }
    val unset = Seq(HomeVariable, HomeSetting).filterNot(places.map(_._1).contains).map(place => s"$place (not set)")
    val folder = model.name.split('/').last
    val source = if (model.name.contains('/')) model.name else "CHECKPOINT"
    val home = places.lastOption.fold("HOME")(_._2.uri)
    s"There is no model $model among the embedded models (${EmbeddedModels.names.mkString(", ")}), in " +
      s"${(looked ++ unset).mkString(" or ")}. Create it with `sparkvision export $source $folder && " +
      s"sparkvision push $folder $home --name $model`" +
      (if (places.isEmpty) s", and set $HomeSetting to that HOME." else ".")
  }
}
