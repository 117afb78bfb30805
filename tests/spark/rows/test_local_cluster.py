"""On executors that are processes of their own: one broadcast, one session an executor, and texts tokenised there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

APPLICATION = """
import json, sys
from pathlib import Path
import sparkvision
from pyspark.sql import SparkSession
from sparkvision.ml import CLIPForZeroShotClassification, CLIPTextEmbeddings, ViTForImageClassification

builder = SparkSession.builder.master("local-cluster[2,2,1024]").config("spark.ui.enabled", "false")
spark = sparkvision.configure(builder.config("spark.driver.bindAddress", "127.0.0.1")).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = [(f.parent.name, bytearray(f.read_bytes())) for f in sorted(Path(sys.argv[1]).glob("*/*.png"))]
table = spark.createDataFrame(rows, "truth string, content binary").repartition(16).cache()
table.count()

def label():
    # A stage made anew from the same Params, as a Spark Connect server makes one for every analysis.
    vit = ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")
    return vit.transform(table).where("class.result[0] = truth").count()

right = [label() for _ in range(3)]
distributor = spark._jvm.sparkvision.ml.model.ModelDistributor
context = spark._jsc.sc()
counts = {"broadcasts": distributor.distributionCount(context), "sessions": distributor.sessionCount(context)}

clip = CLIPForZeroShotClassification.loadSavedModel(sys.argv[2], spark).setInputCols(["content"])
clip = clip.setCandidateLabels(["a nine", "a two"]).setProbabilityCol("probability")
words = CLIPTextEmbeddings.loadSavedModel(sys.argv[2], spark).setInputCol("truth").setEmbeddingsCol("features")
both = words.transform(clip.transform(table)).where("probability is not null and features is not null")
print("RESULT " + json.dumps({
    "accuracies": [r / len(rows) for r in right],
    **counts,
    "compared with texts": both.count() / len(rows),
    "executors": context.getExecutorMemoryStatus().size() - 1,
}))
spark.stop()
"""


@pytest.mark.classic_only("starts an application of its own")
def test_one_broadcast_and_one_session_an_executor(
    tmp_path: Path, digits: list[Path], clip_bundles: dict[str, str]
) -> None:
    script = tmp_path / "application.py"
    script.write_text(APPLICATION)
    # The pyspark package is a whole Spark distribution; local-cluster starts its executors from there.
    import pyspark

    environment = os.environ | {"SPARK_HOME": str(Path(pyspark.__file__).parent), "SPARK_LOCAL_IP": "127.0.0.1"}
    run = subprocess.run(
        [sys.executable, str(script), str(digits[0].parents[1]), clip_bundles["free"]],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    result = [line for line in run.stdout.splitlines() if line.startswith("RESULT ")]
    assert result, run.stderr[-3000:]
    counted = json.loads(result[0].removeprefix("RESULT "))
    print(f"\n{counted}")
    assert min(counted["accuracies"]) >= 0.97
    assert counted["executors"] == 2
    assert counted["broadcasts"] == 1
    assert counted["sessions"] == 2
    assert counted["compared with texts"] == 1
