"""Label photos with an exported checkpoint, and compare the logits with those of torch and transformers.

Usage: quickstart_export.py CHECKPOINT BUNDLE PHOTOS
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from transformers import ViTForImageClassification as TorchViT
from transformers import ViTImageProcessor

import sparkvision
from sparkvision.ml import ViTForImageClassification

checkpoint, bundle, photos = (Path(argument) for argument in sys.argv[1:])

spark = sparkvision.start(memory_for=bundle)
spark.sparkContext.setLogLevel("ERROR")
files = spark.read.format("binaryFile").load(str(photos))
vit = ViTForImageClassification(
    modelPath=str(bundle), inputCols=["content"], outputCol="class", rawPredictionCol="logits"
)
rows = vit.transform(files).select("path", "class.result", "logits").orderBy("path").collect()
spark.stop()

processor = ViTImageProcessor.from_pretrained(checkpoint)
model = TorchViT.from_pretrained(checkpoint, attn_implementation="eager").eval()
largest = 0.0
print(f"{'image':40} {'label':12} {'torch agrees':12} largest logit difference")
for row in rows:
    name = Path(row["path"]).name
    with Image.open(photos / name) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    with torch.no_grad():
        expected = model(**processor(image, return_tensors="pt")).logits[0].numpy()
    logits = row["logits"].toArray()
    difference = float(np.abs(logits - expected).max())
    largest = max(largest, difference)
    agrees = "yes" if logits.argmax() == expected.argmax() else "NO"
    print(f"{name:40} {row['result'][0]:12} {agrees:12} {difference:.2e}")
print(f"{len(rows)} photos, largest difference between SparkVision's and torch's logits: {largest:.2e}")
