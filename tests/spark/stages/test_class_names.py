"""Scores of classes that share a name, or that are called as an annotation's facts are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import Pipeline
from pyspark.ml.feature import IndexToString
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.spark.conftest import NAMESAKES

import sparkvision
from sparkvision import LightPipeline
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ImageClassification
from sparkvision.report.collection import Wanted, from_frame
from sparkvision.report.columns import ReportColumns

pytestmark = pytest.mark.classic_only("compared with LocalModel in the session's JVM")

Best = list[list[tuple[int, float]]]


@pytest.fixture(scope="module")
def files(digits: list[Path]) -> list[Path]:
    """Two images of each digit."""
    return [file for digit in range(10) for file in [file for file in digits if file.parent.name == str(digit)][:2]]


@pytest.fixture(scope="module")
def table(spark: SparkSession, files: list[Path]) -> DataFrame:
    rows = [(str(file), bytearray(file.read_bytes())) for file in files]
    return spark.createDataFrame(rows, "path string, content binary").coalesce(1)


@pytest.fixture(scope="module")
def expected(namesakes: str, files: list[Path]) -> Best:
    """Every class's id and score, best first: the softmax of the logits."""
    with LocalModel(namesakes) as model:
        logits = model.logits(files).astype(np.float64)
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return [[(int(id), float(row[id])) for id in np.argsort(-row, kind="stable")] for row in scores]


@pytest.fixture
def stage(spark: SparkSession, namesakes: str) -> ImageClassification:
    return ImageClassification.loadSavedModel(
        namesakes, spark, inputCols="content", outputCol="class", topK=len(NAMESAKES)
    )


def close(found: list[float], expected: list[tuple[int, float]]) -> bool:
    return found == pytest.approx([score for _, score in expected], abs=1e-6)


def test_an_annotation_has_its_own_score_and_id(stage: ImageClassification, table: DataFrame, expected: Best) -> None:
    rows = stage.transform(table).collect()
    assert max(best[0][1] for best in expected) > 0.9 and {best[0][0] for best in expected} == set(range(10))
    for row, best in zip(rows, expected, strict=True):
        assert [int(one["metadata"]["id"]) for one in row["class"]] == [id for id, _ in best]
        assert [one["result"] for one in row["class"]] == [NAMESAKES[id] for id, _ in best]
        assert close([float(one["metadata"]["score"]) for one in row["class"]], best)
        facts = {"width": "32", "height": "32", "mode": "-1", "image": "0", "nChannels": "3", "origin": row["path"]}
        best_cat = next(score for id, score in best if NAMESAKES[id] == "cat")
        for one in row["class"]:
            assert facts.items() <= one["metadata"].items()
            assert float(one["metadata"]["cat"]) == pytest.approx(best_cat, abs=1e-6)


def test_a_light_pipeline_gives_the_same_metadata(
    stage: ImageClassification, table: DataFrame, files: list[Path]
) -> None:
    model = Pipeline(stages=[ImageAssembler(), stage.setInputCols(["image"])]).fit(table)
    with LightPipeline(model) as light:
        answers = light.fullAnnotateImage([str(file) for file in files])
    names = {*NAMESAKES, "score"} - {"width", "origin", "mode", "image", "height", "nChannels", "id"}
    for row, answer in zip(model.transform(table).collect(), answers, strict=True):
        for there, here in zip(row["class"], answer["class"], strict=True):
            assert here.metadata.keys() == there["metadata"].keys()
            for key, value in there["metadata"].items():
                if key in names:
                    assert float(here.metadata[key]) == pytest.approx(float(value), abs=1e-6)
                else:
                    assert here.metadata[key] == value


def test_a_report_has_the_scores_of_the_labels(stage: ImageClassification, table: DataFrame, expected: Best) -> None:
    found = stage.setPredictionCol("prediction").setProbabilityCol("probability").transform(table)
    for column, count in (("class", 5), ("prediction", 1)):
        images = from_frame(found, ReportColumns.of(found, column), Wanted(100, thumbnails=False)).images
        for image, best in zip(images, expected, strict=True):
            assert [label for label, _ in image.scores] == [NAMESAKES[id] for id, _ in best[:count]]
            assert close([score for _, score in image.scores], best[:count])


def test_the_sql_functions_struct_has_the_scores_of_the_labels(
    spark: SparkSession, namesakes: str, table: DataFrame, expected: Best
) -> None:
    sparkvision.register_function(spark, "namesakes", namesakes, top_k=3)
    for row, best in zip(table.select(F.expr("namesakes(content) found")).collect(), expected, strict=True):
        found = row["found"]
        assert (found["id"], found["label"]) == (best[0][0], NAMESAKES[best[0][0]])
        assert close([found["score"]], best[:1])
        assert close([one["score"] for one in found["labels"]], best[:3])


def test_spark_mls_columns_name_classes_by_their_ids(
    stage: ImageClassification, table: DataFrame, expected: Best
) -> None:
    assert stage.labels() == NAMESAKES
    found = stage.setPredictionCol("prediction").transform(table)
    named = IndexToString(inputCol="prediction", outputCol="name").transform(found).collect()
    assert [row["name"] for row in named] == [NAMESAKES[best[0][0]] for best in expected]
