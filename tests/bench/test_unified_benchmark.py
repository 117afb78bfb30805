"""The comparison of one pipeline with two systems: both must compute the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyspark.sql import SparkSession

from bench.catalogue.connector_way import ConnectorWay, WorkerFailed
from bench.catalogue.job import Job
from bench.catalogue.pillow_models import resized
from bench.catalogue.unified_way import UnifiedWay
from bench.unified import disagreement
from sparkvision.export import ExportReport

pytestmark = pytest.mark.slow


def test_ways_that_do_not_compute_the_same_are_not_compared() -> None:
    same = [{"crops": 300, "magnitude": magnitude} for magnitude in (50.0, 50.1)]
    assert disagreement(same) is None
    assert "crops lie from 200 to 300" in str(disagreement([*same, {"crops": 200, "magnitude": 50.0}]))
    assert "magnitude" in str(disagreement([*same, {"crops": 300, "magnitude": 10.0}]))
    assert "crops" in str(disagreement([{"crops": 0, "magnitude": 0.0}]))


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (96, 96), (1000, 300), (300, 1000), (97, 700)])
def test_images_get_the_size_that_transformers_gives_them(size: tuple[int, int]) -> None:
    from transformers import YolosImageProcessor

    sizes = {"shortest_edge": 96, "longest_edge": 160}
    processor: Any = YolosImageProcessor(size=sizes, do_pad=False)
    values = processor(Image.new("RGB", size), return_tensors="np")["pixel_values"]
    assert resized(size, 96, 160) == values.shape[:1:-1]


@pytest.fixture
def job(
    tiny_export: Callable[[str, str], ExportReport], photos: list[Path], tmp_path: Path, spark: SparkSession
) -> Job:
    files = [file for file in photos if file.name.startswith(("cat", "exif", "rocket", "webp"))]
    rows = [(file.name, bytearray(file.read_bytes())) for file in files]
    spark.createDataFrame(rows, "path string, content binary").coalesce(2).write.parquet(str(tmp_path / "table"))
    return Job(
        images=str(tmp_path / "table"),
        detector=str(tiny_export("YolosForObjectDetection", "object-detection").bundle.folder),
        embedder=str(tiny_export("ViTForImageClassification", "feature-extraction").bundle.folder),
        boxes=2,
        slots=2,
        scratch=str(tmp_path / "scratch"),
    )


def test_both_ways_embed_the_same_objects(spark: SparkSession, job: Job) -> None:
    unified, connector = UnifiedWay(spark, job), ConnectorWay(spark, job)
    ours, theirs = unified.run(), connector.run()
    assert ours.crops == theirs.crops > 8
    assert ours.magnitude == pytest.approx(theirs.magnitude, rel=1e-4)
    assert ours.start_seconds == 0 < theirs.start_seconds < theirs.seconds
    found, expected = (
        {(row["path"], row["detection"]): row["embedding"] for row in way.embedded().dropna().collect()}
        for way in (unified, connector)
    )
    assert found.keys() == expected.keys()
    differences = [np.abs(np.subtract(found[key], expected[key])).max() for key in found]
    print(f"\n{len(found)} objects: largest difference of an embedding {max(differences):.2g}")
    assert max(differences) < 1e-3


def test_a_worker_that_fails_ends_the_job_with_its_message(spark: SparkSession, job: Job, tmp_path: Path) -> None:
    broken = Job(**{**job.__dict__, "detector": str(tmp_path)})
    with pytest.raises(WorkerFailed, match="preprocessor_config|model.onnx"):
        ConnectorWay(spark, broken).run()
