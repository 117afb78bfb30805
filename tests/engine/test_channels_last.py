"""Graphs whose input has its channels last, as TensorFlow's have, run like the others."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision.errors import BundleError, ProcessorError
from sparkvision.local import LocalModel


def edit_manifest(bundle: Path, **changes: Any) -> None:
    manifest = json.loads((bundle / "sparkvision.json").read_text())
    (bundle / "sparkvision.json").write_text(json.dumps(manifest | changes))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The embedded model, with its channels first."""
    return Path(shutil.copytree(EMBEDDED_BUNDLE, tmp_path / "digits"))


@pytest.fixture
def channels_last(copied: Path) -> Path:
    """The same with a transposition before it, so that its input is [images, height, width, 3]."""
    model = onnx.load(copied / "model.onnx")
    graph = model.graph
    graph.node.insert(0, onnx.helper.make_node("Transpose", ["pixels"], ["pixel_values"], perm=[0, 3, 1, 2]))
    graph.input.pop()
    graph.input.append(onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["n", 32, 32, 3]))
    data = model.SerializeToString()
    (copied / "model.onnx").write_bytes(data)
    files = json.loads((copied / "sparkvision.json").read_text())["files"]
    files["model.onnx"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    inputs = [{"name": "pixels", "type": "float32", "shape": ["n", 32, 32, 3]}]
    edit_manifest(copied, inputs=inputs, inputLayout="NHWC", golden=None, files=files)
    return copied


def test_it_is_fed_the_same_values_with_the_channels_last(channels_last: Path, photos: list[Path]) -> None:
    with LocalModel(channels_last) as last, LocalModel("embedded:digits") as first:
        found, expected = last.preprocess(photos), first.preprocess(photos)
    assert found.shape == (20, 32, 32, 3)
    assert (found == expected.transpose(0, 2, 3, 1)).all()


def test_it_gives_the_same_logits(channels_last: Path, digits: list[Path]) -> None:
    with LocalModel(channels_last) as last, LocalModel("embedded:digits") as first:
        difference = np.abs(last.logits(digits[:40]) - first.logits(digits[:40])).max()
    print(f"\n40 digits, largest difference {difference:.2e}")
    assert difference <= 1e-5


def test_a_layout_that_the_graph_does_not_have_is_refused_with_both_shapes(copied: Path) -> None:
    edit_manifest(copied, inputLayout="NHWC")
    with pytest.raises(ProcessorError, match=r"32 x 32 x 3 \(height, width, channels\).*takes 3 x 32 x 32"):
        LocalModel(copied)


def test_an_unknown_layout_is_refused_naming_the_known_ones(copied: Path) -> None:
    edit_manifest(copied, inputLayout="CHWN")
    with pytest.raises(BundleError, match="'CHWN'; it may be NCHW or NHWC"):
        LocalModel(copied)
