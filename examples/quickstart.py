"""Label images of handwritten digits with the embedded model, and print the accuracy."""

from pathlib import Path

from pyspark.ml import Pipeline
from pyspark.sql import functions as F

import sparkvision
from sparkvision.ml import ImageAssembler, ViTForImageClassification

DIGITS = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "digits"

spark = sparkvision.start()
spark.sparkContext.setLogLevel("ERROR")

files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.png")
images = files.load(str(DIGITS))
assembler = ImageAssembler(inputCol="content", outputCol="image")
vit = ViTForImageClassification(modelPath="embedded:digits", inputCols=["image"], outputCol="class", errorCol="error")
model = Pipeline(stages=[assembler, vit]).fit(images)

best = F.col("class")[0]
labelled = model.transform(images).select(
    F.element_at(F.split("path", "/"), -1).alias("image"),
    F.element_at(F.split("path", "/"), -2).alias("truth"),
    best["result"].alias("label"),
    best["metadata"]["score"].cast("double").alias("score"),
    "error",
)
labelled.cache()
labelled.orderBy(F.xxhash64("image")).show(20)

count = labelled.count()
accuracy = labelled.where("label = truth").count() / count
print(f"{count} held-out images, accuracy {accuracy:.4f}")
spark.stop()
