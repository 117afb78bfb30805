"""Small graphs as other frameworks would write them, and what they compute, by torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

LABELS = ("cat", "dog", "bird", "fish")
SIDE = 16

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Convolution:
    """A graph of one convolution and one linear layer, and the same in torch."""

    layout: str = "NCHW"
    batch: int | str = "images"
    classes: int = len(LABELS)
    side: int | str = SIDE
    activation: str | None = None
    extra_inputs: Sequence[Any] = ()
    extra_outputs: Sequence[Any] = ()
    reshape: tuple[int, ...] = (-1, 6)
    input_type: int = TensorProto.FLOAT
    weights: dict[str, Floats] = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(0)
        shapes = {"kernel": (6, 3, 3, 3), "matrix": (6, self.classes), "bias": (self.classes,)}
        made = {name: random.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
        object.__setattr__(self, "weights", made)

    def torch_logits(self, pixel_values: Floats) -> Floats:
        """Compute the logits for [images, 3, height, width]."""
        weights = {name: torch.from_numpy(value) for name, value in self.weights.items()}
        features = functional.relu(functional.conv2d(torch.from_numpy(pixel_values), weights["kernel"], stride=2))
        logits: Floats = (features.mean((2, 3)) @ weights["matrix"] + weights["bias"]).numpy()
        return logits

    def write(self, path: Path, external_data: bool = False) -> Path:
        """Write the graph to a file."""
        channels_last = self.layout == "NHWC"
        first = [helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2])] if channels_last else []
        last = [helper.make_node(self.activation, ["logits"], ["scores"])] if self.activation else []
        nodes = [
            *first,
            helper.make_node("Conv", ["x" if channels_last else "image", "kernel"], ["c"], strides=[2, 2]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("GlobalAveragePool", ["r"], ["p"]),
            helper.make_node("Reshape", ["p", "shape"], ["f"]),
            helper.make_node("Gemm", ["f", "matrix", "bias"], ["logits"]),
            *last,
        ]
        sizes = [self.side, self.side, 3] if channels_last else [3, self.side, self.side]
        weights = self.weights | {"shape": np.array(self.reshape, dtype=np.int64)}
        graph = helper.make_graph(
            nodes,
            "convolution",
            [helper.make_tensor_value_info("image", self.input_type, [self.batch, *sizes]), *self.extra_inputs],
            [
                helper.make_tensor_value_info(
                    "scores" if self.activation else "logits", TensorProto.FLOAT, [self.batch, self.classes]
                ),
                *self.extra_outputs,
            ],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        onnx.save(
            model,
            path,
            save_as_external_data=external_data,
            location="weights" if external_data else None,
            size_threshold=0,
        )
        return path


def one_node(path: Path, node: Any, taken: Sequence[Any], given: Sequence[Any]) -> Path:
    """Write a graph of one node."""
    values = [helper.make_tensor_value_info("image", TensorProto.FLOAT, taken)]
    results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, given)]
    model = helper.make_model(
        helper.make_graph([node], "g", values, results), opset_imports=[helper.make_opsetid("", 14)], ir_version=8
    )
    onnx.save(model, path)
    return path
