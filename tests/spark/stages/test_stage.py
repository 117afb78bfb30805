"""The stages from Python: Params, results, and what is refused."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from pyspark.errors import PySparkException
from pyspark.ml import Pipeline
from pyspark.ml.common import _java2py
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision import ml
from sparkvision._spark.allowed_values import Number, OneOf, WholeNumber
from sparkvision._spark.stage import BundleTransformer
from sparkvision.errors import BundleError, ParameterError, ProcessorError
from sparkvision.ml import ImageAssembler, ViTForImageClassification


def embedded_bundle(folder: Path) -> Path:
    """Copy the embedded model out of the source tree."""
    return Path(shutil.copytree(EMBEDDED_BUNDLE, folder / "digits"))


def test_accuracy_on_held_out_digits_through_the_pipeline(spark: SparkSession, digits: list[Path]) -> None:
    rows = [(float(file.parent.name), bytearray(file.read_bytes())) for file in digits]
    table = spark.createDataFrame(rows, "label double, content binary")
    vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setPredictionCol("prediction")
    labelled = Pipeline(stages=[ImageAssembler(), vit]).fit(table).transform(table)
    accuracy = MulticlassClassificationEvaluator(metricName="accuracy").evaluate(labelled)
    print(f"\n{len(digits)} held-out digits, accuracy {accuracy:.4f}")
    assert accuracy >= 0.97


def test_each_row_keeps_its_own_result_or_reason(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    rows = vit.setErrorCol("error").transform(mixed).select("path", "class.result", "error").collect()
    assert [row["path"] for row in rows] == [row["path"] for row in mixed.collect()]
    assert [len(row["result"]) for row in rows] == [1, 1, 0, 1, 1, 0]
    assert [row["error"] is None for row in rows] == [True, True, False, True, True, False]


def test_dropmalformed_drops_bad_images(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    assert vit.setBadImageMode("DROPMALFORMED").transform(mixed).count() == 4


def test_failfast_names_the_image(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    with pytest.raises(Exception, match="broken.png"):
        vit.setBadImageMode("FAILFAST").transform(mixed).collect()


def test_a_setter_and_a_constructors_keyword_set_the_same(vit: ViTForImageClassification) -> None:
    by_setters = vit.setBatchSize(3).setImageMean([0.1, 0.2, 0.3]).setDoResize(True).setMaxImagePixels(2**40)
    by_keywords = ViTForImageClassification(batchSize=3, imageMean=[0.1, 0.2, 0.3], doResize=True, maxImagePixels=2**40)
    for stage in (by_setters, by_keywords):
        assert stage.getBatchSize() == 3
        assert stage.getImageMean() == [0.1, 0.2, 0.3]
        assert stage.getDoResize() is True
        assert stage.getMaxImagePixels() == 2**40


@pytest.mark.parametrize("name", ml.__all__)
def test_a_constructor_has_a_keyword_for_every_param(spark: SparkSession, name: str) -> None:
    stage = getattr(ml, name)
    keywords = inspect.signature(stage).parameters
    assert set(keywords) == {param.name for param in stage().params}
    assert all(keyword.kind is keyword.KEYWORD_ONLY and keyword.default is None for keyword in keywords.values())


def test_a_keyword_without_a_value_leaves_its_param_unset(spark: SparkSession) -> None:
    stage = ViTForImageClassification(topK=None, size=None)
    assert not stage.isSet(stage.topK) and stage.getTopK() is None
    assert stage.getSize() is None


def test_one_input_column_may_be_a_string(spark: SparkSession) -> None:
    assert ViTForImageClassification(inputCols="image").getInputCols() == ["image"]
    assert ViTForImageClassification().setInputCols("image").getInputCols() == ["image"]


def test_a_keyword_that_is_no_param_is_refused(vit: ViTForImageClassification, spark: SparkSession) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'topk'"):
        ViTForImageClassification(topk=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="ViTForImageClassification has no Param 'topk'"):
        vit.setParams(topk=3)


def test_a_value_that_its_type_rules_out_is_refused_by_mypy_and_at_once(spark: SparkSession) -> None:
    with pytest.raises(ParameterError, match="decodeMode must be one of exact, fast, not 'quick'"):
        ViTForImageClassification(decodeMode="quick")  # type: ignore[arg-type]


def test_stages_made_by_keywords_label_as_those_made_by_setters(
    vit: ViTForImageClassification, mixed: DataFrame
) -> None:
    by_keywords = ViTForImageClassification(
        modelPath=vit.getModelPath(), bundleHash=vit.getBundleHash(), inputCols="image", outputCol="class", topK=2
    )
    pipeline = Pipeline(stages=[ImageAssembler(inputCol="content", outputCol="image"), by_keywords])
    labelled = pipeline.fit(mixed).transform(mixed).select("class.result").collect()
    assert labelled == vit.setTopK(2).transform(mixed).select("class.result").collect()


def test_a_model_comes_with_params_by_keyword(vit: ViTForImageClassification, spark: SparkSession) -> None:
    for stage in (
        ViTForImageClassification.pretrained(inputCols="image", topK=3),
        ViTForImageClassification.loadSavedModel("embedded:digits", spark, inputCols="image", topK=3),
    ):
        assert (stage.getInputCols(), stage.getTopK()) == (["image"], 3)
        assert stage.getBundleHash() == vit.getBundleHash()


def test_only_the_stage_of_the_embedded_model_needs_no_name(spark: SparkSession) -> None:
    assert ViTForImageClassification.pretrained().getModelPath() == "embedded:digits"
    stages = [getattr(ml, name) for name in ml.__all__ if name != "ViTForImageClassification"]
    for stage in [stage for stage in stages if issubclass(stage, BundleTransformer)]:
        with pytest.raises(TypeError, match="'name'"):
            stage.pretrained()


def test_params_that_mean_as_the_bundle_says_are_none(vit: ViTForImageClassification) -> None:
    assert vit.getSize() is None and vit.getImageStd() is None
    assert not vit.isDefined(vit.size)


def test_defaults_are_scalas(spark: SparkSession, vit: ViTForImageClassification, tmp_path: Path) -> None:
    # Over Spark Connect only what was set is sent: a default that differs here would be another answer there.
    for stage in (ImageAssembler(), vit):
        path = str(tmp_path / stage.uid)
        stage.save(path)
        row = spark.read.text(f"{path}/metadata").head()
        assert row is not None
        scala = json.loads(row["value"])["defaultParamMap"]
        assert scala == {p.name: stage.getOrDefault(p) for p in stage.params if stage.hasDefault(p)}


@pytest.mark.classic_only("a stage over Spark Connect has no JVM here")
@pytest.mark.parametrize("name", ml.__all__)
def test_every_stage_has_the_params_and_defaults_of_its_scala_class(spark: SparkSession, name: str) -> None:
    stage = getattr(ml, name)()
    scala = {param.name(): param for param in stage._java_obj.params()}
    assert {param.name for param in stage.params} == scala.keys()
    for param in stage.params:
        default = stage._java_obj.getDefault(scala[param.name])
        expected = _java2py(spark.sparkContext, default.get()) if default.isDefined() else None
        assert (stage.getOrDefault(param) if stage.hasDefault(param) else None) == expected, param.name


def test_a_cleared_param_is_unset(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    stage = vit.setErrorCol("error").setTopK(3)
    stage.clear(stage.errorCol)
    stage.clear(stage.topK)
    assert stage.getErrorCol() is None and stage.getTopK() is None
    labelled = stage.transform(mixed)
    assert "error" not in labelled.columns
    assert {len(row["result"]) for row in labelled.select("class.result").collect()} == {0, 1}


def test_an_empty_list_is_refused(vit: ViTForImageClassification) -> None:
    with pytest.raises(ParameterError, match="imageMean"):
        vit.setImageMean([])


def test_top_k_labels_come_best_first(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    row = vit.setTopK(3).transform(mixed).select("class").head()
    assert row is not None
    scores = [float(a["metadata"][a["result"]]) for a in row["class"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)


def test_labels_come_in_id_order(vit: ViTForImageClassification) -> None:
    assert vit.labels() == [str(digit) for digit in range(10)]


def test_metadata_of_other_columns_survives(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    described = mixed.withMetadata("path", {"comment": "kept"})
    assert vit.transform(described).schema["path"].metadata == {"comment": "kept"}


def test_empty_dataframe_gives_empty_result(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    empty = vit.transform(mixed.limit(0))
    assert empty.count() == 0 and empty.schema == vit.transform(mixed).schema


def test_wrong_column_type_is_refused(vit: ViTForImageClassification, spark: SparkSession) -> None:
    with pytest.raises(ParameterError, match="bigint"):
        vit.transform(spark.range(3).withColumnRenamed("id", "content"))


def test_missing_column_is_refused(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    with pytest.raises(ParameterError, match="'image'.*path, content"):
        vit.setInputCols(["image"]).transform(mixed)


@pytest.mark.parametrize(
    ("param", "value", "told"),
    [
        ("topK", 0, "topK must be at least 1, not 0."),
        ("batchSize", 0, "batchSize must be at least 1, not 0."),
        ("threshold", 2, "threshold must be between 0.0 and 1.0, not 2.0."),
        ("threshold", float("nan"), "threshold must be between 0.0 and 1.0, not nan."),
        ("executionProvider", "cudaa", "executionProvider must be one of auto, cpu, onednn, cuda, not 'cudaa'."),
        ("badImageMode", "x", "badImageMode must be one of PERMISSIVE, DROPMALFORMED, FAILFAST, not 'x'."),
        ("decodeMode", "x", "decodeMode must be one of exact, fast, not 'x'."),
        ("resample", 6, "resample must be between 0 and 5, not 6."),
        ("resizeBackend", "x", "resizeBackend must be one of pillow, torchvision, not 'x'."),
        ("onednnFpMath", "x", "onednnFpMath must be one of strict, bf16, not 'x'."),
    ],
)
def test_a_param_value_that_makes_no_sense_is_refused_at_once(
    vit: ViTForImageClassification, mixed: DataFrame, param: str, value: object, told: str
) -> None:
    ways: list[Callable[[], object]] = [
        lambda: getattr(vit, f"set{param[0].upper()}{param[1:]}")(value),
        lambda: vit.setParams(**{param: value}),
        lambda: ViTForImageClassification(**{param: value}),  # type: ignore[arg-type]
        lambda: vit.set(vit.getParam(param), value),
        lambda: vit.copy({vit.getParam(param): value}),
        lambda: vit.transform(mixed, {vit.getParam(param): value}),
    ]
    for way in ways:
        with pytest.raises(ParameterError) as refused:
            way()
        assert str(refused.value) == told and refused.value.__cause__ is None
    assert not vit.isSet(vit.getParam(param))


def test_every_stage_refuses_what_its_params_may_not_be(spark: SparkSession) -> None:
    refused = set()
    for name in ml.__all__:
        stage = getattr(ml, name)()
        for param in stage.params:
            if isinstance(param.typeConverter, (OneOf, WholeNumber, Number)):
                wrong = "no such name" if isinstance(param.typeConverter, OneOf) else -2
                with pytest.raises(ParameterError, match=f"^{param.name} must be "):
                    getattr(stage, f"set{param.name[0].upper()}{param.name[1:]}")(wrong)
                refused.add(param.name)
    enumerations = {"pooling", "method", "algorithm", "matching", "decodeMode", "badImageMode", "executionProvider"}
    assert enumerations | {"topK", "efSearch", "maxHashDistance", "minSimilarity", "deviceId"} <= refused


def test_a_saved_stage_keeps_the_params_whose_values_are_checked(
    vit: ViTForImageClassification, tmp_path: Path
) -> None:
    vit.setDecodeMode("fast").setTopK(3).setThreshold(0.25).save(str(tmp_path / "stage"))
    loaded = ViTForImageClassification.load(str(tmp_path / "stage"))
    assert (loaded.getDecodeMode(), loaded.getTopK(), loaded.getThreshold()) == ("fast", 3, 0.25)


def test_a_copy_has_the_params_that_it_was_given_and_no_other_stages(
    vit: ViTForImageClassification, mixed: DataFrame
) -> None:
    other = ml.SimilarImages()
    copied = vit.copy({vit.topK: 3, other.topK: 7})
    assert copied.getTopK() == 3 and vit.getTopK() is None and copied.uid == vit.uid
    assert [len(row["class"]) for row in vit.transform(mixed, {vit.topK: 3}).collect()] == [3, 3, 0, 3, 3, 0]


def test_param_of_wrong_type_is_refused(vit: ViTForImageClassification) -> None:
    with pytest.raises(TypeError, match="batchSize"):
        vit.setBatchSize("many")  # type: ignore[arg-type]


def test_missing_bundle_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ParameterError, match="/no/such/bundle.*sparkvision export"):
        ViTForImageClassification.loadSavedModel("/no/such/bundle", spark)


def test_a_missing_bundle_is_refused_by_transform(mixed: DataFrame) -> None:
    stage = ViTForImageClassification(modelPath="/no/such/bundle", inputCols="content", outputCol="class")
    with pytest.raises(ParameterError, match="/no/such/bundle.*sparkvision export"):
        stage.transform(mixed)


def test_a_damaged_bundle_that_is_read_when_the_query_starts_fails_the_query_with_the_reason(
    mixed: DataFrame, tmp_path: Path
) -> None:
    bundle = embedded_bundle(tmp_path)
    with (bundle / "model.onnx").open("ab") as graph:
        graph.write(b"more")
    labelled = ViTForImageClassification(modelPath=str(bundle), inputCols="content", outputCol="class").transform(mixed)
    with pytest.raises(Exception, match=r"sparkvision\.engine\.bundle\.BundleException.*model\.onnx is damaged"):
        labelled.collect()


def test_flipped_byte_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    bundle = embedded_bundle(tmp_path)
    graph = bytearray((bundle / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match="model.onnx is damaged"):
        ViTForImageClassification.loadSavedModel(str(bundle), spark)


def test_manifest_path_that_leaves_the_folder_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    bundle = embedded_bundle(tmp_path)
    manifest = json.loads((bundle / "sparkvision.json").read_text())
    manifest["files"]["../evil.bin"] = {"sha256": "00", "size": 1}
    (bundle / "sparkvision.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="'../evil.bin'.*not inside"):
        ViTForImageClassification.loadSavedModel(str(bundle), spark)


def test_external_data_that_leaves_the_folder_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    bundle = embedded_bundle(tmp_path)
    (bundle / "sparkvision.json").unlink()  # hashes would notice the edit first
    graph = onnx.load(bundle / "model.onnx")
    weights = graph.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret.bin")
    (bundle / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(BundleError, match="'../secret.bin'.*not inside"):
        ViTForImageClassification.loadSavedModel(str(bundle), spark)


def test_labels_that_do_not_match_the_logits_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    bundle = embedded_bundle(tmp_path)
    manifest = json.loads((bundle / "sparkvision.json").read_text())
    manifest["labels"].pop()
    (bundle / "sparkvision.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="9 labels.*10 logits"):
        ViTForImageClassification.loadSavedModel(str(bundle), spark)


def test_unknown_processor_setting_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    bundle = embedded_bundle(tmp_path)
    (bundle / "sparkvision.json").unlink()  # hashes would notice the edit first
    config = json.loads((bundle / "assets/preprocessor_config.json").read_text())
    (bundle / "assets/preprocessor_config.json").write_text(json.dumps({**config, "do_sharpen": True}))
    with pytest.raises(ProcessorError, match="do_sharpen"):
        ViTForImageClassification.loadSavedModel(str(bundle), spark)


def test_size_that_the_graph_cannot_take_is_refused(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    with pytest.raises(ProcessorError, match="64"):
        vit.setSize(64).transform(mixed)


def test_setting_another_model_forgets_the_hash_of_the_previous_one(vit: ViTForImageClassification) -> None:
    assert vit.getBundleHash()
    assert vit.copy().setParams(modelPath="elsewhere").getBundleHash() is None
    assert vit.copy().setModelPath("elsewhere").getBundleHash() is None
    copied = vit.copy()
    copied.set(copied.modelPath, "elsewhere")
    assert copied.getBundleHash() is None


def test_pass_through_of_every_kind_of_column(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    wide = mixed.select(
        "*",
        F.current_timestamp().alias("time"),
        F.lit("2024-02-29").cast("date").alias("day"),
        F.expr("map('a', array(1.5, null))").alias("nested"),
        F.expr("cast(1.25 as decimal(10, 2))").alias("price"),
    )
    columns = ["time", "day", "nested", "price"]
    labelled = vit.transform(wide)
    assert [f.dataType for f in labelled.select(columns).schema] == [f.dataType for f in wide.select(columns).schema]
    assert labelled.select("day", "nested", "price").collect() == wide.select("day", "nested", "price").collect()


def test_errors_of_spark_itself_are_left_alone(vit: ViTForImageClassification, mixed: DataFrame) -> None:
    with pytest.raises(PySparkException):
        vit.transform(mixed.select("no_such_column"))


def test_another_model_in_a_param_map_forgets_the_hash_of_the_previous_one(vit: ViTForImageClassification) -> None:
    assert vit.copy({vit.modelPath: "elsewhere"}).getBundleHash() is None
    assert vit.copy({vit.batchSize: 2}).getBundleHash() == vit.getBundleHash()
