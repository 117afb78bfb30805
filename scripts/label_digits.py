"""The main job, as a user's own script: label pictures in folders named by their true labels, and count the right ones.

The tests of the wheel and scripts/compatibility.py run it with an installed SparkVision.

Usage: label_digits.py PICTURES [--connect | --own-session]
"""

import json
import sys

import pyspark
from pyspark.ml import Pipeline
from pyspark.sql import SparkSession

import sparkvision
from sparkvision.ml import ImageAssembler, ViTForImageClassification

pictures_folder, *options = sys.argv[1:]
if "--connect" in options:
    spark = sparkvision.start(remote="local[2]")
elif "--own-session" in options:
    spark = SparkSession.builder.master("local[2]").getOrCreate()
else:
    spark = sparkvision.start(master="local[2]")
reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.png")
pictures = reader.load(pictures_folder)
vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
assembler = ImageAssembler().setInputCol("content").setOutputCol("image")
rows = Pipeline(stages=[assembler, vit]).fit(pictures).transform(pictures).select("path", "class.result").collect()
spark.stop()
report = {
    "pictures": len(rows),
    "right": sum(row.path.split("/")[-2] == row.result[0] for row in rows),
    "pyspark": pyspark.__version__,
    "sparkvision": sparkvision.__version__,
    "package": sparkvision.__file__,
}
print(json.dumps(report))
