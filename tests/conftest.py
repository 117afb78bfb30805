"""What all Python tests share: images, checkpoints and their bundles, and a Spark Connect server on request."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision.export import ExportReport

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
SHARED_IMAGES = ROOT.parent / "shared" / "images"
EMBEDDED_BUNDLE = ROOT / "jvm/engine/src/main/resources/sparkvision/models/digits"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--connect", action="store_true", help="run the Spark tests, and no others, over Spark Connect")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests of a run: those for Spark run twice, in a classic session and, with --connect, over Connect.

    One process cannot do both, because pyspark decides once for all of it.
    """
    connect = config.getoption("--connect")

    def belongs(item: pytest.Item) -> bool:
        if item.get_closest_marker("connect_only"):
            return bool(connect)
        is_for_spark = item.path.is_relative_to(ROOT / "tests" / "spark")
        return not connect or (is_for_spark and not item.get_closest_marker("classic_only"))

    config.hook.pytest_deselected(items=[item for item in items if not belongs(item)])
    items[:] = [item for item in items if belongs(item)]


class ConnectServer(NamedTuple):
    """A server that `sparkvision connect-server` started in another working folder than that of the tests."""

    url: str
    folder: Path
    model_home: Path


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "sparkvision.cli", "connect-server", "--port", "0", "--master", "local[2]"]
    command += ["--model-home", str(folder / "models")]
    for setting in ("spark.ui.enabled=false", "spark.sql.shuffle.partitions=2", "spark.log.level=ERROR"):
        command += ["--conf", setting]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url.startswith("sc://"), (folder / "log").read_text()[-3000:]
    yield ConnectServer(url, folder, folder / "models")
    server.send_signal(signal.SIGINT)  # as Ctrl-C does
    assert server.wait(60) == 0, "the server did not end in order"


@pytest.fixture(scope="session")
def spark(request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    """A classic local session, or with --connect one over Spark Connect."""
    import sparkvision

    if request.config.getoption("--connect"):
        session = sparkvision.start(remote=request.getfixturevalue("connect_server").url)
    else:
        session = sparkvision.start(
            master="local[2]", config={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
        )
        session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def upright(file: Path | bytes) -> Image.Image:
    """Return an image as Pillow reads it, turned as EXIF says, in RGB."""
    with Image.open(BytesIO(file) if isinstance(file, bytes) else file) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Twenty real images."""
    return sorted(file for file in (FIXTURES / "photos").iterdir() if file.is_file())


@pytest.fixture(scope="session")
def digits() -> list[Path]:
    """The held-out images of handwritten digits, in folders named by their true labels."""
    return sorted((FIXTURES / "digits").glob("*/*.png"))


@pytest.fixture(scope="session")
def checkpoints(models_folder: Path) -> dict[str, Path]:
    """Ordinary Hugging Face folders of two sizes."""
    from make_checkpoint import make_checkpoint

    return {
        size: once(models_folder / size / "checkpoint", partial(make_checkpoint, size=size))
        for size in ("vit-tiny", "vit-base")
    }


@pytest.fixture(scope="session")
def bundles(checkpoints: dict[str, Path], models_folder: Path) -> dict[str, Path]:
    """The checkpoints, exported."""
    from sparkvision.export import export

    return {
        size: once(models_folder / size / "bundle", partial(export, checkpoint))
        for size, checkpoint in checkpoints.items()
    }


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for models: one for all runs of pytest that `scripts/test` starts, else one of this run."""
    shared = os.environ.get("SPARKVISION_TEST_MODELS")
    return Path(shared) if shared else tmp_path_factory.mktemp("models")


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder unless another run of pytest has made it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            # Renamed when complete: a failure leaves no folder that a later run would take.
            unfinished = folder.with_suffix(".unfinished")
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make the tiny checkpoint of an architecture, with random weights: at the first call, for all tests."""
    import torch
    from tests.checkpoints.tiny_models import make

    # Beside other work, threads that wait for each other cost such small models more than they bring.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    return cache(lambda architecture: make(architecture, folder / architecture))


@pytest.fixture(scope="session")
def tiny_export(
    tiny_checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ExportReport]:
    """Export that checkpoint for a task: at the first call, for all tests."""
    from sparkvision.export import export

    folder = tmp_path_factory.mktemp("tiny")
    return cache(
        lambda architecture, task: export(
            tiny_checkpoint(architecture), folder / task / architecture, task=task, progress=False
        )
    )


@pytest.fixture(scope="session")
def clip_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP with random weights and a tokenizer of its own."""
    import torch
    from tests.checkpoints.clip import make_clip_checkpoint

    torch.set_num_threads(1)  # as for tiny_checkpoint
    return make_clip_checkpoint(tmp_path_factory.mktemp("clip") / "checkpoint")


class SplitDigits(NamedTuple):
    """Two folders of held-out digits: a third to calibrate on, and the rest to measure on."""

    calibration: Path
    measured: Path


@pytest.fixture(scope="session")
def split_digits(tmp_path_factory: pytest.TempPathFactory) -> SplitDigits:
    folder = tmp_path_factory.mktemp("digits")
    split = SplitDigits(folder / "calibration", folder / "measured")
    for part in split:
        part.mkdir()
    for number, file in enumerate(sorted((FIXTURES / "digits").glob("*/*.png"))):
        shutil.copy(file, split[min(number % 3, 1)])
    return split


@pytest.fixture(scope="session")
def lowered_digits(
    split_digits: SplitDigits, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], ExportReport]:
    """Import the embedded model's graph as ``int8``, as ``int8-calibrated`` or as ``fp16``: each once."""
    from sparkvision.importing import import_onnx

    folder = tmp_path_factory.mktemp("lowered")

    def lower(name: str) -> ExportReport:
        precision, _, calibrated = name.partition("-")
        return import_onnx(
            EMBEDDED_BUNDLE / "model.onnx",
            folder / name,
            EMBEDDED_BUNDLE / "assets" / "labels.json",
            EMBEDDED_BUNDLE / "assets" / "preprocessor_config.json",
            images=split_digits.measured,
            precision=precision,
            calibrate=split_digits.calibration if calibrated else None,
            progress=False,
        )

    return cache(lower)
