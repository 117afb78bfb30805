"""Models as SQL functions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import EMBEDDED_BUNDLE

import sparkvision
from sparkvision.errors import ParameterError
from sparkvision.ml import ViTForImageClassification

FUNCTION = "sparkvision_predict"


@pytest.fixture(scope="module")
def images(spark: SparkSession, digits: list[Path], tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Return an image of each digit and two bad ones as the view `images`, with the function `classify`."""
    one_each = {file.parent.name: file for file in digits}
    good = [(str(file), truth, file.read_bytes()) for truth, file in one_each.items()]
    rows = [*good, ("broken.png", "0", good[0][2][:40]), ("nothing.png", "1", None)]
    folder = str(tmp_path_factory.mktemp("images") / "images.parquet")
    spark.createDataFrame(rows, "path string, truth string, content binary").coalesce(2).write.parquet(folder)
    table = spark.read.parquet(folder)
    table.createOrReplaceTempView("images")
    sparkvision.register_function(spark, "classify", "embedded:digits")
    return table


def seen(spark: SparkSession) -> int:
    """Count the images that the SQL function has been given so far."""
    rows = sparkvision.metrics(spark).where(f"stage = '{FUNCTION}'").selectExpr("sum(images) AS n").collect()
    return int(rows[0]["n"] or 0)


def plan(capsys: pytest.CaptureFixture[str], query: DataFrame) -> str:
    capsys.readouterr()
    query.explain(mode="formatted")
    return capsys.readouterr().out


def test_labels_scores_and_reasons_are_the_stages(spark: SparkSession, images: DataFrame) -> None:
    stage = ViTForImageClassification.pretrained().setInputCols(["content"]).setPredictionCol("id").setErrorCol("error")
    expected = {row["path"]: (row["id"], row["error"]) for row in stage.transform(images).collect()}
    rows = spark.sql("SELECT path, classify(content) AS p FROM images").collect()
    assert {row["path"]: (row["p"]["id"], row["p"]["error"]) for row in rows} == expected
    bad = [row["p"].asDict() for row in rows if row["p"]["error"]]
    assert len(bad) == 2 and all(value is None for p in bad for key, value in p.items() if key != "error")


def test_the_best_label_is_the_first_of_those_asked_for(spark: SparkSession, images: DataFrame) -> None:
    sparkvision.register_function(spark, "three", "embedded:digits", top_k=3)
    p = spark.sql("SELECT three(content) AS p FROM images WHERE truth = '3'").collect()[0]["p"]
    assert len(p["labels"]) == 3 and p["labels"][0] == (p["label"], p["score"])
    scores = [label["score"] for label in p["labels"]]
    assert scores == sorted(scores, reverse=True)


def test_an_image_is_run_once_for_label_and_score(spark: SparkSession, images: DataFrame) -> None:
    before = seen(spark)
    spark.sql("SELECT classify(content).label, classify(content).score FROM images").collect()
    assert seen(spark) - before == 12


def test_an_image_is_run_once_for_filter_and_select(spark: SparkSession, images: DataFrame) -> None:
    before = seen(spark)
    rows = spark.sql("SELECT classify(content).score FROM images WHERE classify(content).label = '3'").collect()
    assert len(rows) == 1 and seen(spark) - before == 12


def test_images_that_another_condition_excludes_are_not_run(spark: SparkSession, images: DataFrame) -> None:
    before = seen(spark)
    spark.sql("SELECT path FROM images WHERE classify(content).label = '3' AND truth IN ('3', '5')").collect()
    assert seen(spark) - before == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT count(*) FROM images WHERE classify(content).label = truth", 10),
        ("SELECT count(*) FROM (SELECT classify(content).label, count(*) FROM images GROUP BY 1)", 11),
        ("SELECT count(DISTINCT classify(content).label) FROM images", 10),
        ("SELECT count(*) FROM images a JOIN images b ON classify(a.content).label = b.truth", 12),
        ("SELECT count(*) FROM images a JOIN images b ON classify(coalesce(a.content, b.content)).id = 3", 13),
        ("SELECT count(*) FROM images WHERE truth IN (SELECT classify(content).label FROM images)", 12),
        (
            "SELECT count(*) FROM images a WHERE EXISTS "
            "(SELECT 1 FROM images b WHERE classify(b.content).label = a.truth AND b.truth > '4')",
            5,
        ),
        ("SELECT classify(max_by(content, truth)).id FROM images", 9),
        (
            "WITH p AS (SELECT classify(content).id AS id FROM images) SELECT max(a.id) FROM p a JOIN p b USING (id)",
            9,
        ),
        ("SELECT max(rank) FROM (SELECT rank() OVER (ORDER BY classify(content).id) rank FROM images)", 12),
    ],
)
def test_the_function_stands_wherever_a_function_may(
    spark: SparkSession, images: DataFrame, query: str, expected: int
) -> None:
    assert spark.sql(query).collect()[0][0] == expected


def test_the_function_works_in_a_view(spark: SparkSession, images: DataFrame) -> None:
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW labelled AS SELECT path, classify(content) AS class FROM images")
    assert spark.sql("SELECT class.label FROM labelled WHERE class.error IS NULL").count() == 10


def test_paths_and_file_structs_are_images_too(spark: SparkSession, images: DataFrame) -> None:
    uri = "'embedded:digits'"
    query = f"SELECT {FUNCTION}(path, {uri}).id, {FUNCTION}(struct(path, content), {uri}).id, truth FROM images"
    rows = spark.sql(f"{query} WHERE path LIKE '/%'").collect()
    assert len(rows) == 10 and all(row[0] == row[1] == int(row[2]) for row in rows)


def test_explain_shows_one_operator_with_its_model_and_the_pruned_scan(
    spark: SparkSession, images: DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    text = plan(capsys, spark.sql("SELECT classify(content).label, classify(content).score FROM images"))
    assert text.count(f") {FUNCTION}\n") == 1 and "batchSize=8" in text
    assert "ReadSchema: struct<content:binary>" in text


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (f"{FUNCTION}(content)", "not 1 arguments"),
        (f"{FUNCTION}(length(content), 'embedded:digits')", "type int, which cannot hold images"),
        (f"{FUNCTION}(content, path)", "a constant string"),
        (f"{FUNCTION}(content, '/no/such/bundle')", "/no/such/bundle.*sparkvision export"),
        (f"{FUNCTION}(content, 'embedded:digits', 0)", "topK must be at least 1"),
        (f"transform(array(content), c -> {FUNCTION}(c, 'embedded:digits').id)", "explode the array first"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_with_the_reason(
    spark: SparkSession, images: DataFrame, call: str, reason: str
) -> None:
    with pytest.raises(AnalysisException, match=reason):
        spark.sql(f"SELECT {call} FROM images").collect()


def test_an_outer_joins_condition_over_both_sides_is_refused(spark: SparkSession, images: DataFrame) -> None:
    query = "SELECT 1 FROM images a LEFT JOIN images b ON classify(coalesce(a.content, b.content)).id = 1"
    with pytest.raises(AnalysisException, match="outer join.*subquery"):
        spark.sql(query).collect()


def test_registering_a_missing_bundle_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ParameterError, match="/no/such/bundle"):
        sparkvision.register_function(spark, "classify_nothing", "/no/such/bundle")


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("drop table", {}, "'drop table'"),
        ("classify_none", {"top_k": 0}, "topK must be at least 1, not 0"),
        ("classify_numbers", {"image_type": "BIGINT"}, "type bigint"),
    ],
)
def test_registering_what_makes_no_sense_is_refused(
    spark: SparkSession, name: str, options: dict[str, object], reason: str
) -> None:
    with pytest.raises(ParameterError, match=reason):
        sparkvision.register_function(spark, name, "embedded:digits", **options)  # type: ignore[arg-type]


def test_a_bundles_path_may_hold_quotes_and_spaces(spark: SparkSession, images: DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "it's a bundle"
    shutil.copytree(EMBEDDED_BUNDLE, folder)
    sparkvision.register_function(spark, "odd", folder)
    assert spark.sql("SELECT odd(content).id FROM images WHERE truth = '7'").collect()[0][0] == 7
