"""The main job in one page: label handwritten digits with the model that ships inside the jar."""

from pathlib import Path

from pyspark.ml import Pipeline
from pyspark.sql import functions as F

import sparkvision
from sparkvision.ml import ImageAssembler, ViTForImageClassification

PICTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "digits"

spark = sparkvision.start()
spark.sparkContext.setLogLevel("ERROR")

files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.png")
pictures = files.load(str(PICTURES))
assembler = ImageAssembler().setInputCol("content").setOutputCol("image")
vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class").setErrorCol("error")
model = Pipeline(stages=[assembler, vit]).fit(pictures)

best = F.col("class")[0]
labelled = model.transform(pictures).select(
    F.element_at(F.split("path", "/"), -1).alias("picture"),
    F.element_at(F.split("path", "/"), -2).alias("truth"),
    best["result"].alias("label"),
    best["metadata"]["score"].cast("double").alias("score"),
    "error",
)
labelled.cache()
labelled.orderBy(F.xxhash64("picture")).show(20)

pictures_count = labelled.count()
accuracy = labelled.where("label = truth").count() / pictures_count
print(f"{pictures_count} held-out pictures, accuracy {accuracy:.4f}")
spark.stop()
