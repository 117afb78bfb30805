"""The distribution without jars: a Spark Connect client on a machine that has pip, and no Java."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from tests.conftest import EMBEDDED_BUNDLE, ConnectServer
from tests.packaging.conftest import ROOT, fresh_environment, run, sources

pytestmark = [pytest.mark.packaging, pytest.mark.network]


JOB = """
import importlib.util, json, shutil, sys
from pathlib import Path
import sparkvision
from pyspark.ml import Pipeline, PipelineModel
from sparkvision.ml import ImageAssembler, ViTForImageClassification

url, saved, *bundle = sys.argv[1:]
spark = sparkvision.start(remote=url)
rows = [(f.parent.name, bytearray(f.read_bytes())) for f in sorted(Path("images").glob("*/*.png"))]
table = spark.createDataFrame(rows, "truth string, content binary")
vit = ViTForImageClassification.loadSavedModel(bundle[0], spark) if bundle else ViTForImageClassification.pretrained()
vit = vit.setInputCols(["image"]).setOutputCol("class")
Pipeline(stages=[ImageAssembler(), vit]).fit(table).write().overwrite().save(saved)
labelled = PipelineModel.load(saved).transform(table)
print(json.dumps({
    "images": len(rows),
    "right": labelled.where("class.result[0] = truth").count(),
    "labels": vit.labels(),
    "modelPath": vit.getModelPath(),
    "java": shutil.which("java"),
    "py4j": importlib.util.find_spec("py4j") is not None,
    "package": sparkvision.__file__,
    "version": sparkvision.__version__,
}))
"""


class Client(NamedTuple):
    python: Path
    folder: Path

    def run(self, script: str, *arguments: str) -> str:
        # No java on the PATH, no JAVA_HOME, and nothing else of this process either.
        return run(self.python, "-c", script, *arguments, cwd=self.folder, env={"PATH": str(self.python.parent)})


@pytest.fixture(scope="module")
def client_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client-dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT / "clients" / "connect")
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def client(client_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A fresh environment with the wheel and the server's version of pyspark-client, in a folder with images."""
    folder = tmp_path_factory.mktemp("client")
    python = fresh_environment(folder / "venv", client_wheel, f"pyspark-client=={version('pyspark')}")
    for digit in range(10):
        shutil.copytree(ROOT / f"tests/fixtures/digits/{digit}", folder / "images" / str(digit))
    return Client(python, folder)


def test_the_client_is_pure_python_without_jars(client_wheel: Path) -> None:
    assert client_wheel.name.endswith("-py3-none-any.whl")
    with ZipFile(client_wheel) as archive:
        names = archive.namelist()
    assert {name for name in names if name.startswith("sparkvision/")} == {f"sparkvision/{name}" for name in sources()}
    assert [name for name in names if name.endswith(".jar")] == []
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_client_without_java_labels_images_with_the_embedded_model(
    client: Client, connect_server: ConnectServer
) -> None:
    output = client.run(JOB, connect_server.url, str(connect_server.folder / "saved-embedded"))
    report = json.loads(output.splitlines()[-1])
    print(report)
    assert (report["java"], report["py4j"]) == (None, False)
    assert Path(report["package"]).is_relative_to(client.folder)
    assert report["version"] == (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    assert report["images"] == 360 and report["right"] / report["images"] >= 0.97


def test_a_client_without_java_brings_a_bundle_that_the_server_cannot_see(
    client: Client, connect_server: ConnectServer
) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, client.folder / "my-vit")  # a relative path is another place for the server
    output = client.run(JOB, connect_server.url, str(connect_server.folder / "saved-bundle"), "my-vit")
    report = json.loads(output.splitlines()[-1])
    print(report)
    assert Path(report["modelPath"]).parent == connect_server.model_home
    assert report["labels"] == [str(digit) for digit in range(10)]
    assert report["right"] / report["images"] >= 0.97


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("sparkvision.start()", "start(remote="),
        ("sparkvision.start(remote='local[2]')", "start(remote="),
        ("LocalModel('embedded:digits')", "Install sparkvision in its place"),
    ],
)
def test_what_needs_java_says_so(client: Client, call: str, says: str) -> None:
    script = f"""
import sparkvision
from sparkvision.local import LocalModel
try:
    {call}
except sparkvision.errors.SessionError as error:
    print(error)
"""
    assert says in client.run(script)
