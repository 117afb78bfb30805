"""A session with the oneDNN runtime, which is fetched from Maven Central."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

pytestmark = pytest.mark.network


def test_a_session_with_onednn_labels_images_as_the_cpu_does(tmp_path: Path) -> None:
    """In a process of its own, whose JVM has the fetched runtime beside this package's jars."""
    script = f"""
import json, sparkvision
from sparkvision.ml import ViTForImageClassification
settings = {{"spark.ui.enabled": "false", "spark.log.level": "ERROR"}}
spark = sparkvision.start(master="local[2]", onednn=True, config=settings)
digits = spark.read.format("binaryFile").load({str(ROOT / "tests" / "fixtures" / "digits" / "7")!r}).limit(20)
vit = ViTForImageClassification.pretrained().setInputCols(["content"])
rows = {{}}
for provider in ("onednn", "cpu"):
    vit.setExecutionProvider(provider).setRawPredictionCol("logits")
    rows[provider] = [row.logits.toArray() for row in vit.transform(digits).orderBy("path").collect()]
used = [provider for row in sparkvision.metrics(spark).collect() for provider in row.providers]
pairs = zip(rows["onednn"], rows["cpu"], strict=True)
difference = max(float(abs(a - b).max()) for a, b in pairs)
print(json.dumps({{"images": len(rows["cpu"]), "providers": sorted(used), "difference": difference}}))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    answer = json.loads(run.stdout.splitlines()[-1])
    print(f"largest difference between logits: {answer['difference']}")
    assert answer["images"] == 20 and answer["providers"] == ["cpu", "onednn"]
    assert answer["difference"] < 1e-4
