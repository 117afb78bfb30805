"""What a logged model asks pip for, by where this SparkVision came from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import EMBEDDED_BUNDLE

import sparkvision
import sparkvision.mlflow
from sparkvision.errors import ParameterError

WHEEL = f"sparkvision-{sparkvision.__version__}-py3-none-manylinux_2_35_x86_64.whl"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A file with a wheel's name."""
    file = tmp_path / "my wheels" / WHEEL  # which a URL quotes
    file.parent.mkdir()
    file.write_bytes(b"wheel")
    return file


def from_wheel(wheel: Path) -> dict[str, Any]:
    """What pip writes when it installs that file."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {"url": wheel.as_uri(), "archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}}


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Save a model, as if SparkVision had been installed from somewhere; give the model's folder."""

    def save(origin: dict[str, Any] | None) -> Path:
        metadata = tmp_path / "site" / f"sparkvision-{sparkvision.__version__}.dist-info"
        metadata.mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: sparkvision\nVersion: {sparkvision.__version__}\n"
        (metadata / "METADATA").write_text(text, encoding="utf-8")
        if origin is not None:
            (metadata / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
        monkeypatch.syspath_prepend(metadata.parent)
        sparkvision.mlflow.save_model(EMBEDDED_BUNDLE, tmp_path / "model")
        return tmp_path / "model"

    return save


def requirements(model: Path) -> list[str]:
    """The model's requirements but MLflow's own."""
    lines = (model / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("mlflow==")
    return lines[1:]


def test_from_a_package_index_its_name_is_enough(saved: Any) -> None:
    model = saved(None)
    assert requirements(model) == [f"sparkvision[mlflow]=={sparkvision.__version__}"]
    assert not (model / "wheels").exists()


def test_from_a_wheel_the_wheel_is_packed(saved: Any, wheel: Path) -> None:
    model = saved(from_wheel(wheel))
    assert requirements(model) == [f"wheels/{WHEEL}"]
    assert (model / "wheels" / WHEEL).read_bytes() == wheel.read_bytes()


def test_from_a_wheel_at_a_url_the_url_is_enough(saved: Any) -> None:
    url = f"https://wheels.example.com/{WHEEL}"
    assert requirements(saved({"url": url, "archive_info": {}})) == [f"sparkvision[mlflow] @ {url}"]


def test_a_wheel_that_is_gone_is_refused(saved: Any, wheel: Path) -> None:
    origin = from_wheel(wheel)
    wheel.unlink()
    with pytest.raises(ParameterError, match="its wheel is no longer at .*my wheels.*pip_requirements="):
        saved(origin)


def test_a_wheel_that_has_changed_is_refused(saved: Any, wheel: Path) -> None:
    origin = from_wheel(wheel)
    wheel.write_bytes(b"another")
    with pytest.raises(ParameterError, match="has changed since it was installed"):
        saved(origin)


def test_from_a_folder_or_without_jars_pip_requirements_are_demanded(saved: Any, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="installed from file:///src, which is no wheel.*pip_requirements="):
        saved({"url": "file:///src", "dir_info": {"editable": True}})
    assert not (tmp_path / "model").exists()


def test_logging_is_refused_before_a_run_begins(tracking_server: str) -> None:
    import mlflow

    with pytest.raises(ParameterError, match="pip_requirements="):
        sparkvision.mlflow.log_model(EMBEDDED_BUNDLE, name="refused")
    assert mlflow.active_run() is None
