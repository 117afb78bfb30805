import org.apache.spark.ml.Pipeline
import org.apache.spark.sql.functions._
import org.apache.spark.sql.{DataFrame, SparkSession}

import sparkvision.ml._

/** Finds the products on the pages of a catalogue, the similar products, and the groups of duplicates, as pipeline.py does.
  *
  * Arguments: the folder that run.py wrote, the folder of the two models, and the threshold that run.py chose.
  */
object Catalogue {
  def main(arguments: Array[String]): Unit = {
    val Array(catalogue, models, threshold) = arguments
    // spark-submit and scripts/cluster set the master.
    val master = sys.props.getOrElse("spark.master", "local[2]")
    val spark = SparkSession.builder
      .appName("Catalogue")
      .master(master)
      .config("spark.sql.shuffle.partitions", 4) // enough for a few hundred products
      .getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")

    findProducts(spark, s"$catalogue/pages", models).write.mode("overwrite").parquet(s"$catalogue/scala-products")
    val index = s"$catalogue/scala-index"
    val products = addSimilar(spark.read.parquet(s"$catalogue/scala-products"), index)
    val groups = groupDuplicates(products, index, threshold.toDouble)
    groups.write.mode("overwrite").json(s"$catalogue/scala-groups")

    val written = spark.read.json(s"$catalogue/scala-groups")
    written.groupBy("group").count().orderBy(desc("count"), col("group")).show(10, truncate = false)
    println(s"${written.count()} products in ${written.select("group").distinct().count()} groups")
    spark.stop()
  }

  /** Returns one row per product on the pages. One job reads each page once, and the crops stay in memory. */
  private def findProducts(spark: SparkSession, pages: String, models: String): DataFrame = {
    val detector = YolosForObjectDetection
      .loadSavedModel(s"$models/detector", spark)
      .setInputCols("content")
      .setDetectionsCol("products")
      .setThreshold(0.5)
      .setTopK(1) // a page of this catalogue shows one product
    val cropper = new ImageCropper().setInputCols("content", "products").setOutputCol("crop").setExplode(true)
    val hasher = new PerceptualHash().setInputCols("crop").setHashCol("hash")
    val embedder = ViTImageEmbeddings
      .loadSavedModel(s"$models/embedder", spark)
      .setInputCols("crop")
      .setEmbeddingsCol("features")
      .setPooling("mean")
      .setNormalize(true)
      .setBatchSize(32)
    val files = spark.read.format("binaryFile").load(pages)
    val found = new Pipeline().setStages(Array(detector, cropper, hasher, embedder)).fit(files).transform(files)
    val page = element_at(split(col("path"), "/"), -1)
    val facts = col("crop")(0)("metadata")
    found.select(
      concat_ws("#", page, facts("detection")).as("id"),
      page.as("page"),
      array(Seq("xmin", "ymin", "xmax", "ymax").map(edge => facts(edge).cast("int")): _*).as("box"),
      col("hash"),
      col("features")
    )
  }

  /** Builds the index of all products, and adds `similar`: the ids and cosines of the most similar products. */
  private def addSimilar(products: DataFrame, index: String): DataFrame = {
    SimilarImages.build(products, index, idCol = "id", embeddingsCol = "features", overwrite = true)
    val found = new SimilarImages().setIndexPath(index).setTopK(11).setOutputCol("similar").transform(products)
    // The first result is the product itself.
    found.withColumn("similar", filter(col("similar"), _.getField("id") =!= col("id")))
  }

  /** Adds `group` and `representative`: duplicates have similar hashes or similar embeddings. */
  private def groupDuplicates(products: DataFrame, index: String, threshold: Double): DataFrame =
    new ImageDeduplicator()
      .setIdCol("id")
      .setHashCol("hash")
      .setEmbeddingsCol("features")
      .setIndexPath(index)
      .setMinSimilarity(threshold)
      .setMatching("either")
      .transform(products)
}
