"""Where a Spark Connect server finds the bundle that a client names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import EMBEDDED_BUNDLE, ConnectServer

from sparkvision.errors import BundleError, ParameterError
from sparkvision.ml import ViTForImageClassification

pytestmark = pytest.mark.connect_only


@pytest.fixture
def table(spark: SparkSession, digits: list[Path]) -> DataFrame:
    rows = [(file.parent.name, bytearray(file.read_bytes())) for file in digits[::36]]
    return spark.createDataFrame(rows, "truth string, content binary")


@pytest.fixture
def client_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process's working folder; the server has another, so that a relative path is another place for each."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def right(stage: ViTForImageClassification, table: DataFrame) -> float:
    labelled = stage.setInputCols(["content"]).setOutputCol("class").transform(table)
    return labelled.where("class.result[0] = truth").count() / table.count()


def test_a_path_is_the_servers(
    spark: SparkSession, connect_server: ConnectServer, client_folder: Path, table: DataFrame
) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, connect_server.folder / "on-the-server")
    stage = ViTForImageClassification.loadSavedModel("on-the-server", spark)
    assert stage.getModelPath() == "on-the-server" and stage.getBundleHash()
    assert right(stage, table) >= 0.9


def test_a_bundle_that_only_the_client_has_is_uploaded_by_content(
    spark: SparkSession, connect_server: ConnectServer, client_folder: Path, table: DataFrame
) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, client_folder / "mine")
    before = set(connect_server.model_home.glob("*"))
    stage = ViTForImageClassification.loadSavedModel("mine", spark)
    (uploaded,) = set(connect_server.model_home.iterdir()) - before
    assert stage.getModelPath() == str(uploaded)
    files = {str(file.relative_to(EMBEDDED_BUNDLE)) for file in EMBEDDED_BUNDLE.rglob("*") if file.is_file()}
    assert {str(f.relative_to(uploaded)) for f in uploaded.rglob("*") if f.is_file() and f.suffix != ".crc"} == files
    assert right(stage, table) >= 0.9


def test_a_bundle_is_uploaded_once(spark: SparkSession, connect_server: ConnectServer, client_folder: Path) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, client_folder / "mine")
    shutil.copytree(EMBEDDED_BUNDLE, client_folder / "the-same-again")
    first = ViTForImageClassification.loadSavedModel("mine", spark).getModelPath()
    graph = Path(str(first)) / "model.onnx"
    written = graph.stat().st_mtime_ns
    assert ViTForImageClassification.loadSavedModel("the-same-again", spark).getModelPath() == first
    assert graph.stat().st_mtime_ns == written


def test_bundles_with_one_graph_and_other_labels_are_kept_apart(spark: SparkSession, client_folder: Path) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, client_folder / "mine")
    other = Path(shutil.copytree(EMBEDDED_BUNDLE, client_folder / "german"))
    manifest = (other / "sparkvision.json").read_text()
    digits = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
    for digit, name in enumerate(digits):
        manifest = manifest.replace(f'"{digit}"', f'"{name}"', 1)
    (other / "sparkvision.json").write_text(manifest)
    assert ViTForImageClassification.loadSavedModel("mine", spark).labels() == [str(digit) for digit in range(10)]
    assert ViTForImageClassification.loadSavedModel("german", spark).labels() == digits


def test_a_clients_damaged_bundle_is_refused_and_not_uploaded(
    spark: SparkSession, connect_server: ConnectServer, client_folder: Path
) -> None:
    broken = Path(shutil.copytree(EMBEDDED_BUNDLE, client_folder / "broken"))
    (broken / "sparkvision.json").write_text((broken / "sparkvision.json").read_text() + "\n")
    (broken / "model.onnx").write_bytes(b"damaged")
    before = set(connect_server.model_home.glob("*"))
    with pytest.raises(BundleError, match="model.onnx is damaged"):
        ViTForImageClassification.loadSavedModel("broken", spark)
    assert set(connect_server.model_home.glob("*")) == before


def test_a_damaged_bundle_on_the_server_is_not_replaced_by_the_clients(
    spark: SparkSession, connect_server: ConnectServer, client_folder: Path
) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, client_folder / "both")
    on_server = Path(shutil.copytree(EMBEDDED_BUNDLE, connect_server.folder / "both"))
    (on_server / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleError, match="model.onnx is damaged"):
        ViTForImageClassification.loadSavedModel("both", spark)


def test_a_bundle_that_nobody_has_is_refused(spark: SparkSession, client_folder: Path) -> None:
    with pytest.raises(ParameterError, match="no model bundle at nowhere"):
        ViTForImageClassification.loadSavedModel("nowhere", spark)


def test_a_name_is_looked_for_in_the_servers_model_home(
    spark: SparkSession, connect_server: ConnectServer, table: DataFrame
) -> None:
    for version in ("9", "10"):
        shutil.copytree(EMBEDDED_BUNDLE, connect_server.model_home / "numbers" / version)
    newest = ViTForImageClassification.pretrained("numbers")
    assert str(newest.getModelPath()).endswith("/numbers/10")
    assert str(ViTForImageClassification.pretrained("numbers", version="9").getModelPath()).endswith("/numbers/9")
    assert right(newest, table) >= 0.9
    with pytest.raises(BundleError, match="`sparkvision export CHECKPOINT letters && sparkvision push letters "):
        ViTForImageClassification.pretrained("letters")
