"""What a bundle says of its text model is checked when a stage loads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import pytest
from pyspark.sql import SparkSession

from sparkvision.bundle import TEXT_GRAPH, TOKENIZER, describe_file
from sparkvision.errors import BundleError
from sparkvision.ml import CLIPImageEmbeddings, CLIPTextEmbeddings


@pytest.fixture
def changed(clip_bundles: dict[str, str], tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], str]:
    """Copy the bundle with labels, and change its manifest."""
    copy = Path(shutil.copytree(clip_bundles["fixed"], tmp_path / "copy"))
    file = copy / "sparkvision.json"

    def change(edit: Callable[[dict[str, Any]], None]) -> str:
        manifest = json.loads(file.read_text())
        edit(manifest)
        file.write_text(json.dumps(manifest))
        return str(copy)

    return change


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("graph", "assets/tokenizer.json", "keeps weights in 'assets/tokenizer.json'"),
        ("graph", "elsewhere.onnx", "names the file 'elsewhere.onnx' but lists no such file"),
        ("graph", "model.onnx", "names the input 'input_ids', but the graph has pixel_values"),
        ("labelEmbeddings", None, "has 5 labels, whose embeddings take 320 bytes"),
        ("logitScale", -1, "has the logitScale -1"),
    ],
)
def test_a_manifest_that_contradicts_its_text_model_is_refused(
    spark: SparkSession, changed: Callable[..., str], field: str, value: object, message: str
) -> None:
    copy = changed(lambda manifest: manifest["text"].update({field: value}))
    with pytest.raises(BundleError, match=message):
        CLIPTextEmbeddings.loadSavedModel(copy, spark)


def test_a_file_that_is_no_tokenizer_is_refused_where_it_is_read(
    spark: SparkSession, changed: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "copy" / TOKENIZER
    file.write_text('{"model": "none"}')
    found = describe_file(file)
    copy = changed(lambda manifest: manifest["files"].update({TOKENIZER: {"sha256": found.sha256, "size": found.size}}))
    stage = CLIPTextEmbeddings.loadSavedModel(copy, spark).setEmbeddingsCol("features")
    with pytest.raises(Exception, match=r"tokenizer\.json cannot be read as a tokenizer: "):
        stage.transform(spark.createDataFrame([("a cat",)], "text string")).collect()


def test_two_graphs_whose_inputs_and_outputs_have_the_same_names_are_two_models(
    spark: SparkSession, changed: Callable[..., str], clip_bundles: dict[str, str], digits: list[Path], tmp_path: Path
) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        file = tmp_path / "copy" / TEXT_GRAPH
        model = onnx.load(file)
        names = {manifest["text"][end]["name"]: manifest[f"{end}s"][0]["name"] for end in ("input", "output")}
        for node in model.graph.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        for end, value in (("input", model.graph.input[0]), ("output", model.graph.output[0])):
            value.name = manifest["text"][end]["name"] = names[value.name]
        onnx.save(model, file)
        manifest["files"][TEXT_GRAPH] = asdict(describe_file(file))

    copy = changed(rename)
    images = CLIPImageEmbeddings.loadSavedModel(copy, spark).setInputCols("content").setEmbeddingsCol("features")
    row = images.transform(spark.createDataFrame([(bytearray(digits[0].read_bytes()),)], "content binary")).collect()[0]
    assert row["features"] is not None
    texts = spark.createDataFrame([("a cat",)], "text string")
    stages = [CLIPTextEmbeddings.loadSavedModel(path, spark) for path in (copy, clip_bundles["fixed"])]
    found, expected = (stage.setEmbeddingsCol("features").transform(texts).collect() for stage in stages)
    assert found == expected
