"""The most similar images, beside what numpy finds by comparing all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import FIXTURES

from sparkvision.errors import ParameterError, SessionError, SimilarityIndexError
from sparkvision.export import ExportReport
from sparkvision.ml import ImageAssembler, SimilarImages, ViTImageEmbeddings

# Of fixtures/make_similarity_index.py.
INDEX = FIXTURES / "similarity_index"
TOP_K = 10
# Vectors, and the matrix product that finds the candidates, are float32.
TOLERANCE = 1e-6

Doubles = NDArray[np.float64]
Method = Literal["exact", "approximate"]


@pytest.fixture(scope="module")
def queries() -> Doubles:
    return np.random.default_rng(8).normal(size=(25, 12))


@pytest.fixture(scope="module")
def table(spark: SparkSession, queries: Doubles) -> DataFrame:
    """Every fifth row has something else than a vector to compare."""
    other: list[list[float] | None] = [None, [1.0, 2.0], [0.0] * 12, [float("nan")] * 12]
    rows = [(number, other[number // 5 % 4] if number % 5 == 4 else row.tolist()) for number, row in enumerate(queries)]
    return spark.createDataFrame(rows, "number int, features array<double>").coalesce(1)


def stage(method: Method = "exact") -> SimilarImages:
    return SimilarImages().setIndexPath(str(INDEX)).setTopK(TOP_K).setMethod(method).setErrorCol("error")


def indexed_vectors() -> tuple[list[str], Doubles]:
    """Read the index as anybody can: its files are plain."""
    manifest = json.loads((INDEX / "sparkvision-index.json").read_text())
    ids: list[str] = []
    vectors = []
    for shard in manifest["shards"]:
        folder = INDEX / shard["folder"]
        text, ends = (folder / "ids.utf8").read_bytes(), np.fromfile(folder / "ids.ends.i32", "<i4")
        ids += [text[start:end].decode() for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        vectors.append(np.fromfile(folder / "vectors.f32", "<f4").reshape(-1, manifest["dimension"]))
    return ids, np.concatenate(vectors).astype(np.float64)


def nearest(query: Doubles) -> list[tuple[str, float]]:
    """Compare with all, in double precision."""
    ids, vectors = indexed_vectors()
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    return sorted(zip(ids, cosines.tolist(), strict=True), key=lambda one: -one[1])[:TOP_K]


def largest_difference(rows: list[Any], queries: Doubles) -> float:
    """Compare the usable rows with numpy: the same ids in the same order."""
    differences = [0.0]
    for row in rows:
        if row["error"] is None:
            expected = nearest(queries[row["number"]])
            assert [one["id"] for one in row["similar"]] == [name for name, _ in expected]
            scores = [one["score"] for one in row["similar"]]
            differences += [abs(one - other) for one, (_, other) in zip(scores, expected, strict=True)]
    return max(differences)


def test_exact_neighbours_are_numpys(table: DataFrame, queries: Doubles) -> None:
    rows = stage().transform(table).collect()
    difference = largest_difference(rows, queries)
    print(f"\nlargest difference of a cosine: {difference:.2e}")
    assert difference <= TOLERANCE and sum(row["error"] is None for row in rows) == 20


def test_an_approximate_search_of_a_small_index_finds_the_same(table: DataFrame, queries: Doubles) -> None:
    rows = stage("approximate").transform(table).collect()
    difference = largest_difference(rows, queries)
    print(f"\nlargest difference of a cosine: {difference:.2e}")
    assert difference <= TOLERANCE


def test_rows_without_a_usable_vector_keep_their_place_and_say_why(table: DataFrame) -> None:
    rows = stage().transform(table).collect()
    assert [row["number"] for row in rows] == list(range(25))
    for row in rows:
        assert (row["error"] is None) == (row["similar"] is not None) == (row["number"] % 5 != 4)
    reasons = [row["error"] for row in rows if row["error"]]
    for word, reason in zip(("null", "2 numbers", "zeros", "NaN", "null"), reasons, strict=True):
        assert word in reason


def test_a_stream_is_answered_as_a_table_is(spark: SparkSession, table: DataFrame, tmp_path: Path) -> None:
    table.repartition(3).write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(table.schema).option("maxFilesPerTrigger", 1).parquet(str(tmp_path / "in"))
    writer = stage("approximate").transform(stream).writeStream.format("parquet")
    query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True)
    assert query.start(str(tmp_path / "out")).awaitTermination(60)
    # Without the vectors: NaN, which some hold, is like nothing.
    found = spark.read.parquet(str(tmp_path / "out")).drop("features").orderBy("number").collect()
    assert found == stage("approximate").transform(table).drop("features").collect()


def test_a_saved_pipeline_finds_the_same(table: DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "pipeline")
    PipelineModel([stage().setTopK(2)]).save(path)
    loaded = PipelineModel.load(path)
    expected = stage().setTopK(2).transform(table).select("similar").collect()
    assert loaded.transform(table).select("similar").collect() == expected


def test_what_is_no_index_is_refused_by_name(table: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(SimilarityIndexError, match=f"no similarity index at .*{tmp_path.name}.*SimilarImages.build"):
        stage().setIndexPath(str(tmp_path)).transform(table)
    (tmp_path / "sparkvision-index.json").write_text("{}")
    with pytest.raises(SimilarityIndexError, match="has no 'schemaVersion'"):
        stage().setIndexPath(str(tmp_path)).transform(table)
    with pytest.raises(ParameterError, match="has no index"):
        SimilarImages().transform(table)


def test_an_index_path_that_does_not_exist_is_refused(table: DataFrame) -> None:
    with pytest.raises(ParameterError, match="no similarity index at .*no/such/index .there is no such folder"):
        stage().setIndexPath("/no/such/index").transform(table)


def test_a_column_that_holds_no_vectors_is_refused(table: DataFrame) -> None:
    with pytest.raises(ParameterError, match="'number' has type int, which cannot hold embeddings"):
        stage().setEmbeddingsCol("number").transform(table)


@pytest.mark.connect_only
def test_building_over_connect_is_refused_saying_where_to_build(table: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="classic session"):
        SimilarImages.build(table, str(tmp_path), idCol="number")


@pytest.mark.classic_only("an index is built in a classic session")
def test_a_stream_is_no_table_to_build_of(spark: SparkSession, tmp_path: Path) -> None:
    stream = spark.readStream.format("rate").load().selectExpr("value path", "array(1.0d) features")
    with pytest.raises(ParameterError, match="is a stream"):
        SimilarImages.build(stream, str(tmp_path))


@pytest.mark.classic_only("an index is built in a classic session")
def test_an_index_of_large_vectors_says_what_it_left_out(table: DataFrame, tmp_path: Path) -> None:
    vectors = table.selectExpr("number", "array_repeat(0.5d, 1500) features").limit(4)
    assert SimilarImages.build(vectors, str(tmp_path / "long"), idCol="number", method="approximate").dimension == 1500
    with pytest.raises(SimilarityIndexError, match="'9' has 2 numbers, but the index is made of 12 each"):
        SimilarImages.build(table, str(tmp_path / "left"), idCol="number")
    built = SimilarImages.build(table.where("number < 15 and number != 9"), str(tmp_path / "left"), idCol="number")
    assert built.vectors == 12 and sorted(built.left_out.values()) == [1, 1]
    with pytest.raises(ParameterError, match="overwrite"):
        SimilarImages.build(table, str(tmp_path / "left"), idCol="number")


@pytest.mark.classic_only("an index is built in a classic session")
def test_images_are_found_by_a_pipeline_that_embeds_and_searches(
    spark: SparkSession, photos: list[Path], tiny_export: Callable[[str, str], ExportReport], tmp_path: Path
) -> None:
    bundle = str(tiny_export("ViTForImageClassification", "feature-extraction").bundle.folder)
    images = spark.createDataFrame(
        [(photo.name, bytearray(photo.read_bytes())) for photo in photos], "path string, content binary"
    )
    embed = ViTImageEmbeddings.loadSavedModel(bundle, spark).setInputCols("image").setEmbeddingsCol("features")
    embedded = Pipeline(stages=[ImageAssembler(), embed.setPooling("mean")]).fit(images)
    SimilarImages.build(embedded.transform(images), str(tmp_path / "index"), method="approximate")
    similar = SimilarImages().setIndexPath(str(tmp_path / "index")).setTopK(3)
    found = PipelineModel([embedded, similar]).transform(images).select("path", "similar").collect()
    scores = {row["path"]: {one["id"]: one["score"] for one in row["similar"]} for row in found}
    # An image may be there in two formats, so that another one is as similar.
    assert all(names[path] == max(names.values()) and len(names) == 3 for path, names in scores.items())
