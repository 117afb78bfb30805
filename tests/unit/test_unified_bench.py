"""The comparison of one pipeline with two systems: what its rows say, and that both compute the same."""

from __future__ import annotations

import json
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
from bench.unified_table import disagreement, ratio, unified_table
from sparkvision.export import ExportReport


def row(way: str, number: int, seconds: float, **parts: float) -> dict[str, Any]:
    same = {"run": "2026-01-02", "workload": "yolos", "phase": "warm" if number else "warm-up"}
    return {**same, "pictures": "JPEG", "count": 6, "way": way, "round": number, "seconds": seconds, "parts": parts}


ROWS = [
    row("unified", 0, 9.0),
    row("connector", 0, 9.0),
    row("unified", 1, 2.0, decode=0.5),
    row("connector", 1, 3.0, write=0.25, start=1.0, decode=0.75),
]


def test_a_ratio_is_taken_within_a_round_and_without_the_warm_up() -> None:
    assert ratio(ROWS) == 1.5
    assert ratio(ROWS, without=("start",)) == 1.0
    slower = [row("unified", 2, 1.0), row("connector", 2, 4.0), row("unified", 3, 1.0), row("connector", 3, 1.0)]
    assert ratio([*ROWS, *slower]) == 1.5


def test_the_table_shows_the_ratios_and_the_steps_of_both() -> None:
    table = unified_table(ROWS)
    assert "| `yolos`: 6 x JPEG | 3.00 | 2.00 | 1.50 | 1.00 |" in table
    assert "| write |  | 0.25 |" in table and "| decode | 0.50 | 0.75 |" in table and "| all | 2.00 | 3.00 |" in table


def test_only_the_last_run_counts() -> None:
    assert unified_table([*({**r, "run": "2026-01-01", "seconds": 100.0} for r in ROWS), *ROWS]) == unified_table(ROWS)


def test_where_nothing_was_measured_nothing_is_claimed() -> None:
    assert unified_table([]) == "Not measured yet: `scripts/bench/unified` does it."


def test_ways_that_do_not_compute_the_same_are_not_compared() -> None:
    same = [{"crops": 300, "magnitude": magnitude} for magnitude in (50.0, 50.1)]
    assert disagreement(same) is None
    assert "crops lie from 200 to 300" in str(disagreement([*same, {"crops": 200, "magnitude": 50.0}]))
    assert "magnitude" in str(disagreement([*same, {"crops": 300, "magnitude": 10.0}]))
    assert "crops" in str(disagreement([{"crops": 0, "magnitude": 0.0}]))


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (96, 96), (1000, 300), (300, 1000), (97, 700)])
def test_pictures_get_the_size_that_transformers_gives_them(size: tuple[int, int]) -> None:
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
        pictures=str(tmp_path / "table"),
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
    assert {"decode", "detect: run", "embed: run", "else"} <= ours.parts.keys()
    assert {"write", "start", "read", "decode", "write back", "read again"} <= theirs.parts.keys()
    for done in (ours, theirs):
        assert all(seconds >= 0 for seconds in done.parts.values()) and json.dumps(done.parts)
    found, expected = (
        {(row["path"], row["detection"]): row["embedding"] for row in way.embedded().dropna().collect()}
        for way in (unified, connector)
    )
    assert found.keys() == expected.keys()
    differences = [np.abs(np.subtract(found[key], expected[key])).max() for key in found]
    print(f"\n{len(found)} objects: largest difference of an embedding {max(differences):.2g}")
    assert max(differences) < 1e-3


def test_a_worker_that_fails_ends_the_job_with_its_last_words(spark: SparkSession, job: Job, tmp_path: Path) -> None:
    broken = Job(**{**job.__dict__, "detector": str(tmp_path)})
    with pytest.raises(WorkerFailed, match="preprocessor_config|model.onnx"):
        ConnectorWay(spark, broken).run()
