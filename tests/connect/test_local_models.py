"""What runs on this machine while the session's JVM is elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession

from sparkvision import LightPipeline
from sparkvision.errors import ImageError, SessionError
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ViTForImageClassification

pytestmark = pytest.mark.connect_only


def test_a_local_model_has_a_jvm_of_its_own(spark: SparkSession, digits: list[Path]) -> None:
    with LocalModel("embedded:digits") as model:
        assert model.logits(digits[::60]).argmax(axis=1).tolist() == [int(file.parent.name) for file in digits[::60]]
        with pytest.raises(ImageError, match="image 0"):
            model.logits([b"no image"])


def test_a_light_pipeline_says_what_to_use_instead(spark: SparkSession) -> None:
    vit = ViTForImageClassification.pretrained(inputCols="image", outputCol="class")
    with pytest.raises(SessionError, match=r"model\.transform\(df\), or LocalModel\(bundle\)"):
        LightPipeline(PipelineModel([ImageAssembler(), vit]))
