"""CLIP's stages give the numbers of transformers' own pipeline, for images and for texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import upright
from tests.spark.conftest import CLIP_LABELS as LABELS
from tests.spark.conftest import CLIP_TEMPLATE
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizerFast, ZeroShotImageClassificationPipeline

from sparkvision import LightPipeline
from sparkvision.errors import BundleError, ParameterError
from sparkvision.ml import (
    CLIPForZeroShotClassification,
    CLIPImageEmbeddings,
    CLIPTextEmbeddings,
    ImageAssembler,
    ViTImageEmbeddings,
)

TOLERANCE = 1e-5
# What tokenizers differ in: cases, white space, accents composed or not, scripts, emoji, apostrophes, digits, nothing.
TEXTS = [
    "a photo of a cat",
    "A  PHOTO\tof a\nCAT ",
    "café cafe\u0301 ﬁancé Straße ǅ İstanbul",
    "日本語の写真 фотография صورة תמונה",
    "👩‍👩‍👧‍👦 family 🐕‍🦺 \U0001f1e9\U0001f1ea",
    "it's they're we've 1234567890 a1b2 !?...",
    "<|endoftext|> in <|startoftext|> a text",
    "\u0000 \u200b \ufeff",
    "",
    "a dog and " * 20,
]


@pytest.fixture(scope="module")
def reference(clip_checkpoint: Path) -> Any:
    """transformers' pipeline, with the slow image processor and the tokenizer that it takes by itself."""
    processor: Any = CLIPImageProcessor.from_pretrained(clip_checkpoint)
    tokenizer: Any = CLIPTokenizerFast.from_pretrained(clip_checkpoint)
    model: Any = CLIPModel.from_pretrained(clip_checkpoint)
    pipeline: Any = ZeroShotImageClassificationPipeline
    return pipeline(model=model.eval(), tokenizer=tokenizer, image_processor=processor)


@pytest.fixture(scope="module")
def images(photos: list[Path], digits: list[Path]) -> list[Path]:
    return [*photos[:5], digits[0]]


@pytest.fixture(scope="module")
def table(spark: SparkSession, images: list[Path]) -> DataFrame:
    rows = [(path.name, bytearray(path.read_bytes())) for path in images]
    return spark.createDataFrame(rows, "path string, content binary").coalesce(1)


@pytest.fixture
def zero_shot(spark: SparkSession, clip_bundles: dict[str, str]) -> CLIPForZeroShotClassification:
    stage = CLIPForZeroShotClassification.loadSavedModel(clip_bundles["free"], spark).setInputCols("content")
    return stage.setCandidateLabels(LABELS).setOutputCol("class").setProbabilityCol("probability").setErrorCol("error")


@pytest.fixture
def words(spark: SparkSession, clip_bundles: dict[str, str]) -> CLIPTextEmbeddings:
    return CLIPTextEmbeddings.loadSavedModel(clip_bundles["free"], spark).setEmbeddingsCol("features")


def pipeline_scores(reference: Any, images: list[Path], labels: list[str], **template: str) -> np.ndarray:
    answers = [reference(upright(path), candidate_labels=labels, **template) for path in images]
    return np.array([[{a["label"]: a["score"] for a in answer}[label] for label in labels] for answer in answers])


def vectors(table: DataFrame, column: str) -> np.ndarray:
    return np.array([row[0].toArray() for row in table.select(column).collect()])


def compare(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    difference = np.abs(found - expected).max()
    print(f"largest difference of {what}: {difference:.2e}")
    assert difference < TOLERANCE


def test_scores_are_those_of_transformers_pipeline(
    zero_shot: CLIPForZeroShotClassification, table: DataFrame, images: list[Path], reference: Any
) -> None:
    labelled = zero_shot.setTopK(2).setPredictionCol("prediction").transform(table).cache()
    expected = pipeline_scores(reference, images, LABELS)
    compare(vectors(labelled, "probability"), expected, "scores")
    rows = labelled.select("class", "prediction", "error").collect()
    assert [row["prediction"] for row in rows] == expected.argmax(1).tolist()
    best = [[LABELS[i] for i in np.argsort(-scores)[:2]] for scores in expected]
    assert [[annotation["result"] for annotation in row["class"]] for row in rows] == best
    assert {row["error"] for row in rows} == {None}
    assert zero_shot.labels() == LABELS


def test_another_hypothesis_template_gives_the_pipelines_scores_for_it(
    zero_shot: CLIPForZeroShotClassification, table: DataFrame, images: list[Path], reference: Any
) -> None:
    template = "it's {}!"
    found = vectors(zero_shot.setHypothesisTemplate(template).transform(table), "probability")
    compare(found, pipeline_scores(reference, images, LABELS, hypothesis_template=template), "scores")


def test_labels_fixed_at_export_are_chosen_among_when_none_are_set(
    spark: SparkSession, clip_bundles: dict[str, str], table: DataFrame, images: list[Path], reference: Any
) -> None:
    stage = CLIPForZeroShotClassification.loadSavedModel(clip_bundles["fixed"], spark).setInputCols("content")
    found = vectors(stage.setProbabilityCol("probability").transform(table), "probability")
    expected = pipeline_scores(reference, images, LABELS, hypothesis_template=CLIP_TEMPLATE)
    compare(found, expected, "scores")
    assert stage.labels() == LABELS


def test_without_labels_there_is_nothing_to_choose_among(
    spark: SparkSession, clip_bundles: dict[str, str], table: DataFrame
) -> None:
    stage = CLIPForZeroShotClassification.loadSavedModel(clip_bundles["free"], spark).setInputCols("content")
    with pytest.raises(ParameterError, match="no labels to choose among: setCandidateLabels"):
        stage.setOutputCol("class").transform(table)


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "{0}", "{{}} {}"])
def test_a_template_that_python_would_format_otherwise_is_refused(
    zero_shot: CLIPForZeroShotClassification, table: DataFrame, template: str
) -> None:
    with pytest.raises(ParameterError, match="must have {} once"):
        zero_shot.setHypothesisTemplate(template).transform(table)


def test_bad_images_keep_their_rows_and_reasons(
    zero_shot: CLIPForZeroShotClassification, mixed: DataFrame, digits: list[Path], reference: Any
) -> None:
    rows = zero_shot.transform(mixed).collect()
    assert [row["error"] is None for row in rows] == [True, True, False, True, True, False]
    assert [len(row["class"]) for row in rows] == [1, 1, 0, 1, 1, 0]
    found = np.array([row["probability"].toArray() for row in rows if row["error"] is None])
    compare(found, pipeline_scores(reference, digits[:4], LABELS), "scores between bad images")


def test_image_embeddings_are_transformers_image_features(
    spark: SparkSession, clip_bundles: dict[str, str], table: DataFrame, images: list[Path], reference: Any
) -> None:
    stage = CLIPImageEmbeddings.loadSavedModel(clip_bundles["free"], spark).setInputCols("content")
    pixels = reference.image_processor([upright(path) for path in images], return_tensors="pt")
    with torch.no_grad():
        expected = reference.model.get_image_features(**pixels).numpy()
    compare(vectors(stage.setEmbeddingsCol("features").transform(table), "features"), expected, "image embeddings")
    unit = vectors(stage.setNormalize(True).transform(table), "features")
    compare(unit, expected / np.linalg.norm(expected, axis=1, keepdims=True), "normalised image embeddings")


def test_text_embeddings_are_transformers_text_features(
    spark: SparkSession, words: CLIPTextEmbeddings, reference: Any
) -> None:
    texts = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string").coalesce(1)
    stage = words.setBatchSize(4)
    tokens = reference.tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        expected = reference.model.get_text_features(**tokens).numpy()
    compare(vectors(stage.transform(texts), "features"), expected, "text embeddings")


@pytest.mark.classic_only  # it asks the engine itself
def test_token_ids_are_those_of_transformers_tokenizer(
    spark: SparkSession, clip_bundles: dict[str, str], reference: Any
) -> None:
    from sparkvision._engine.gateway import jvm

    engine = jvm().sparkvision.engine
    bundle = engine.bundle.ModelBundle.open(jvm().java.io.File(clip_bundles["free"]).toPath())
    tokenizer = engine.text.TextTokenizer.open(bundle)
    expected = reference.tokenizer(TEXTS, truncation=True)["input_ids"]
    try:
        assert [list(tokenizer.ids(text)) for text in TEXTS] == expected
    finally:
        tokenizer.close()


def test_a_null_text_keeps_its_row_with_a_reason(spark: SparkSession, words: CLIPTextEmbeddings) -> None:
    rows = [(0, "a cat"), (1, None), (2, ""), (3, "a dog")]
    texts = spark.createDataFrame(rows, "id int, text string").coalesce(1)
    stage = words.setErrorCol("error")
    found = stage.transform(texts).collect()
    assert [row["id"] for row in found] == [0, 1, 2, 3]
    assert [row["error"] for row in found] == [None, "the text is null", None, None]
    assert [row["features"] is None for row in found] == [False, True, False, False]


def test_texts_are_read_from_a_string_column_only(spark: SparkSession, words: CLIPTextEmbeddings) -> None:
    stage = words.setInputCol("id")
    with pytest.raises(ParameterError, match="'id' has type bigint; texts are read from a string column"):
        stage.transform(spark.range(1))


def test_a_stage_names_the_one_that_runs_a_bundle(spark: SparkSession, clip_bundles: dict[str, str]) -> None:
    with pytest.raises(BundleError, match="Use CLIPForZeroShotClassification or CLIPImageEmbeddings"):
        ViTImageEmbeddings.loadSavedModel(clip_bundles["free"], spark)
    with pytest.raises(BundleError, match="is for image-classification, and reads no texts. Use ViTForImageClass"):
        CLIPTextEmbeddings.pretrained("digits")


def test_a_saved_pipeline_keeps_labels_and_model(
    zero_shot: CLIPForZeroShotClassification, table: DataFrame, tmp_path: Path
) -> None:
    model = Pipeline(stages=[ImageAssembler(), zero_shot.setInputCols("image")]).fit(table)
    model.save(str(tmp_path / "saved"))
    loaded = PipelineModel.load(str(tmp_path / "saved"))
    stage = loaded.stages[1]
    assert isinstance(stage, CLIPForZeroShotClassification)
    assert stage.getCandidateLabels() == LABELS
    assert (vectors(loaded.transform(table), "probability") == vectors(model.transform(table), "probability")).all()


def test_a_saved_text_stage_loads(spark: SparkSession, words: CLIPTextEmbeddings, tmp_path: Path) -> None:
    stage = words.setNormalize(True)
    texts = spark.createDataFrame([("a cat",)], "text string")
    stage.save(str(tmp_path / "saved"))
    loaded = CLIPTextEmbeddings.load(str(tmp_path / "saved"))
    assert (vectors(loaded.transform(texts), "features") == vectors(stage.transform(texts), "features")).all()


@pytest.mark.classic_only  # LightPipeline runs in a classic session's JVM
def test_a_light_pipeline_chooses_among_the_labels(
    zero_shot: CLIPForZeroShotClassification, table: DataFrame, images: list[Path]
) -> None:
    model = PipelineModel([ImageAssembler(), zero_shot.setInputCols("image")])
    expected = [row["class"][0]["result"] for row in model.transform(table).collect()]
    with LightPipeline(model) as light:
        assert [found[0]["class"][0].result for found in map(light.fullAnnotateImage, images)] == expected


def test_streams_of_images_and_of_texts(
    spark: SparkSession,
    zero_shot: CLIPForZeroShotClassification,
    words: CLIPTextEmbeddings,
    table: DataFrame,
    tmp_path: Path,
) -> None:
    words.setInputCol("path")
    expected = words.transform(zero_shot.transform(table)).collect()
    table.write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(table.schema).parquet(str(tmp_path / "in"))
    writer = words.transform(zero_shot.transform(stream)).writeStream.format("parquet")
    query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True)
    assert query.start(str(tmp_path / "out")).awaitTermination(120)
    found = spark.read.parquet(str(tmp_path / "out")).collect()
    assert {row["path"]: (row["probability"], row["features"]) for row in found} == {
        row["path"]: (row["probability"], row["features"]) for row in expected
    }
