"""The main job, as a user's own script: label images in folders named by their true labels, and count the right ones.

A pipeline labels them, then the SQL function does; the metrics say how many images both have seen. The tests of the
wheel and scripts/compatibility run it with an installed SparkVision.

Usage: label_digits.py IMAGES [--connect | --own-session]
"""

import json
import sys

import pyspark
from pyspark.ml import Pipeline
from pyspark.sql import SparkSession

import sparkvision
from sparkvision.ml import ImageAssembler, ViTForImageClassification

folder, *options = sys.argv[1:]
if "--connect" in options:
    spark = sparkvision.start(remote="local[2]")
elif "--own-session" in options:
    spark = SparkSession.builder.master("local[2]").getOrCreate()
else:
    spark = sparkvision.start(master="local[2]")
reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.png")
images = reader.load(folder).selectExpr("content", "element_at(split(path, '/'), -2) AS truth")
vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
assembler = ImageAssembler().setInputCol("content").setOutputCol("image")
labelled = Pipeline(stages=[assembler, vit]).fit(images).transform(images)
rows = labelled.selectExpr("truth", "class.result[0] AS label").collect()

images.createOrReplaceTempView("images")
sparkvision.register_function(spark, "digit", "embedded:digits")
(in_sql,) = spark.sql("SELECT count(*) AS right FROM images WHERE digit(content).label = truth").collect()
(counted,) = sparkvision.metrics(spark).selectExpr("sum(images) AS images").collect()
spark.stop()
report = {
    "images": len(rows),
    "right": sum(row.label == row.truth for row in rows),
    "right_in_sql": in_sql.right,
    "counted": counted.images,
    "pyspark": pyspark.__version__,
    "sparkvision": sparkvision.__version__,
    "package": sparkvision.__file__,
}
print(json.dumps(report))
