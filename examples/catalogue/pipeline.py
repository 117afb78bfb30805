"""The pipeline: read, detect, crop, hash and embed in one pass; then index, search and group.

The pipeline does not use the ground truth. scala/src/main/scala/Catalogue.scala contains the same steps in Scala.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkvision.ml import (
    ImageCropper,
    ImageDeduplicator,
    PerceptualHash,
    SimilarImages,
    ViTImageEmbeddings,
    YolosForObjectDetection,
)

MODELS = Path(__file__).resolve().parent / "models"


def find_products(spark: SparkSession, pages: Path) -> DataFrame:
    """Return one row per product on the pages: ``id``, ``page``, ``box``, ``image``, ``hash`` and ``features``.

    One job reads each page once. The pixels of the crops stay in memory, and ``image`` is a small JPEG of the crop.
    """
    detector = (
        YolosForObjectDetection.loadSavedModel(str(MODELS / "detector"), spark)
        .setInputCols(["content"])
        .setDetectionsCol("products")
        .setThreshold(0.5)
        .setTopK(1)  # a page of this catalogue shows one product
    )
    cropper = ImageCropper().setInputCols(["content", "products"]).setOutputCol("crop").setExplode(True)
    hasher = PerceptualHash().setInputCols(["crop"]).setHashCol("hash")
    embedder = (
        ViTImageEmbeddings.loadSavedModel(str(MODELS / "embedder"), spark)
        .setInputCols(["crop"])
        .setEmbeddingsCol("features")
        .setPooling("mean")
        .setNormalize(True)
        .setBatchSize(32)
    )
    files = spark.read.format("binaryFile").load(str(pages))
    found = Pipeline(stages=[detector, cropper, hasher, embedder]).fit(files).transform(files)
    page = F.element_at(F.split("path", "/"), -1)
    facts = F.col("crop")[0]["metadata"]
    return found.select(
        F.concat_ws("#", page, facts["detection"]).alias("id"),
        page.alias("page"),
        F.array(*(facts[edge].cast("int") for edge in ("xmin", "ymin", "xmax", "ymax"))).alias("box"),
        F.call_function("sparkvision_thumbnail", "crop").alias("image"),
        "hash",
        "features",
    )


def add_similar(products: DataFrame, index: Path, most: int = 10) -> DataFrame:
    """Build the index of all products, and add ``similar``: the ids and cosines of the most similar products."""
    SimilarImages.build(products, str(index), idCol="id", embeddingsCol="features", overwrite=True)
    # The first result is the product itself.
    search = SimilarImages().setIndexPath(str(index)).setTopK(most + 1).setOutputCol("similar")
    others = F.filter("similar", lambda found: found["id"] != F.col("id"))
    return search.transform(products).withColumn("similar", others)


def group_duplicates(products: DataFrame, index: Path, threshold: float) -> DataFrame:
    """Add ``group`` and ``representative``: duplicates have similar hashes or similar embeddings."""
    deduplicator = (
        ImageDeduplicator()
        .setIdCol("id")
        .setHashCol("hash")
        .setEmbeddingsCol("features")
        .setIndexPath(str(index))
        .setMinSimilarity(threshold)
        .setMatching("either")
    )
    return deduplicator.transform(products)
