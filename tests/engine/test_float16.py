"""The engine runs graphs of float16, also such as take and give it, and gives what ONNX Runtime gives in Python."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision.errors import BundleError
from sparkvision.export import ExportReport
from sparkvision.local import LocalModel


def onnxruntime_logits(graph: Path, pixels: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"pixel_values": pixels[i : i + 1]})[0] for i in range(len(pixels))])


def spark_nlp_layout(folder: Path, model: onnx.ModelProto) -> Path:
    """A folder without a manifest: the engine takes the types from the graph."""
    shutil.copytree(EMBEDDED_BUNDLE / "assets", folder / "assets")
    onnx.save(model, folder / "model.onnx")
    return folder


def test_a_bundle_of_float16_gives_what_onnxruntime_gives_in_python(
    lowered_digits: Callable[[str], ExportReport], digits: list[Path]
) -> None:
    folder = lowered_digits("fp16").bundle.folder
    with LocalModel(folder) as model:
        found, pixels = model.logits(digits[:40]), model.preprocess(digits[:40])
    difference = np.abs(found - onnxruntime_logits(folder / "model.onnx", pixels)).max()
    print(f"\n40 digits: largest difference {difference:.2e}")
    assert difference <= 1e-5


def test_a_graph_that_takes_and_gives_float16_is_fed_what_numpy_would_feed_it(
    digits: list[Path], tmp_path: Path
) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    halved = convert_float_to_float16(onnx.load(EMBEDDED_BUNDLE / "model.onnx"))
    assert halved.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT16
    folder = spark_nlp_layout(tmp_path / "halved", halved)
    with LocalModel(folder) as model:
        found, pixels = model.logits(digits[:40]), model.preprocess(digits[:40])
    expected = onnxruntime_logits(folder / "model.onnx", pixels.astype(np.float16))
    assert expected.dtype == np.float16
    difference = np.abs(found - expected.astype(np.float32)).max()
    print(f"\n40 digits: largest difference {difference:.2e}")
    # One step of float16 at the size of the logits: other processors sum up in another order.
    assert difference <= np.spacing(np.abs(expected).max())


def test_a_graph_that_takes_bytes_is_refused_by_name(tmp_path: Path) -> None:
    model = onnx.load(EMBEDDED_BUNDLE / "model.onnx")
    (given,) = model.graph.input
    given.type.tensor_type.elem_type = TensorProto.UINT8
    renamed = f"{given.name}_as_float"
    for node in model.graph.node:
        node.input[:] = [renamed if name == given.name else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("Cast", [given.name], [renamed], to=TensorProto.FLOAT))
    with pytest.raises(BundleError, match=r"'pixel_values' .* is uint8 .* feeds float32 or float16"):
        LocalModel(spark_nlp_layout(tmp_path / "bytes", model))
