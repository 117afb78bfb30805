"""The ONNX graph of another framework: its input and output, the checks of both, and its changes for a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkvision.errors import ExportError, ParameterError, first_line
from sparkvision.manifest import LAYOUTS

# The meaning of the scores, by the last node.
_PROBLEM_TYPES = {"Softmax": "single_label_classification", "Sigmoid": "multi_label_classification"}


@dataclass(frozen=True)
class ForeignGraph:
    """An ONNX graph that takes images and returns a row of numbers for each.

    Attributes
    ----------
    path : Path
        The file of the graph.
    model : Any
        The ONNX model, weights included.
    layout : str
        One of `sparkvision.manifest.LAYOUTS`.
    """

    path: Path
    model: Any
    layout: str

    @property
    def input(self) -> Any:
        """The only input."""
        return _inputs(self.model)[0]

    @property
    def output(self) -> Any:
        """The only output."""
        return self.model.graph.output[0]

    def size(self) -> tuple[int | None, int | None]:
        """Return height and width, each None if it is free."""
        sizes = _sizes(self.input)
        return (sizes[2], sizes[3]) if self.layout == "NCHW" else (sizes[1], sizes[2])

    def classes(self) -> int | None:
        """Return how many numbers the graph computes for an image, or None if that is free."""
        return _sizes(self.output)[1]

    def problem_type(self, classes: int) -> str:
        """Return the problem type of the graph's last activation, or the one that transformers assumes without it."""
        activation = self._activation()
        if activation:
            return _PROBLEM_TYPES[activation[-1].op_type]
        return "regression" if classes == 1 else "single_label_classification"

    def end_in_logits(self) -> str | None:
        """Remove the last softmax or sigmoid; return its name in ONNX, or None if there is none."""
        activation = self._activation()
        if not activation:
            return None
        self.output.name = activation[-1].input[0]
        for node in activation:
            self.model.graph.node.remove(node)
        return str(activation[-1].op_type)

    def declare_shapes(self, height: int, width: int, classes: int) -> None:
        """Declare a free number of images, the size that the processor makes, and the number of classes."""
        sizes = [3, height, width] if self.layout == "NCHW" else [height, width, 3]
        for value, fixed in ((self.input, sizes), (self.output, [classes])):
            batch, *others = value.type.tensor_type.shape.dim
            batch.dim_param = "batch_size"
            for dimension, size in zip(others, fixed, strict=True):
                dimension.dim_value = size
        # The shapes that were inferred for the values in between may hold for the old sizes only.
        del self.model.graph.value_info[:]

    def _activation(self) -> list[Any]:
        """Return the nodes from the output back to a final softmax or sigmoid; empty if there is no such node."""
        makers = {output: node for node in self.model.graph.node for output in node.output}
        nodes = [makers.get(self.output.name)]
        while nodes[-1] is not None and nodes[-1].op_type == "Identity":
            nodes.append(makers.get(nodes[-1].input[0]))
        return nodes if nodes[-1] is not None and nodes[-1].op_type in _PROBLEM_TYPES else []


def read(path: Path, layout: str | None) -> ForeignGraph:
    """Read a graph with its external data, and refuse a graph that cannot become a bundle.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file.
    layout : str or None
        One of `LAYOUTS`. None stands for the position of the three channels.

    Raises
    ------
    ParameterError
        If the file does not exist.
    ExportError
        If the file is not an ONNX graph, or does not have one input of images and one output with a row of numbers for
        each image.
    """
    import onnx

    if not path.is_file():
        raise ParameterError(f"{path}: there is no such file; give an ONNX graph")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's and onnx's own errors, and those of external data
        raise ExportError(
            f"{path} cannot be read as an ONNX graph: {first_line(error)}; convert the model again"
        ) from error
    inputs, outputs = _inputs(model), list(model.graph.output)
    if not model.graph.node:
        raise ExportError(f"{path} holds no ONNX graph; convert the model again")
    _require_one(path, "input", inputs, 4, "[images, 3, height, width] or [images, height, width, 3]")
    _require_one(path, "output", outputs, 2, "[images, classes]")
    return ForeignGraph(path, model, _layout(path, _sizes(inputs[0]), layout))


def _require_one(path: Path, kind: str, values: list[Any], rank: int, shape: str) -> None:
    from onnx import TensorProto

    if len(values) != 1:
        names = ", ".join(value.name for value in values) or "none"
        raise ExportError(
            f"{path} has {len(values)} {kind}s ({names}) and must have one, of shape {shape}; "
            "cut the graph with onnx.utils.extract_model"
        )
    tensor = values[0].type.tensor_type
    if tensor.elem_type != TensorProto.FLOAT:
        found = TensorProto.DataType.Name(tensor.elem_type).lower()
        raise ExportError(
            f"{path}: the {kind} {values[0].name} is {found} and must be float32; convert the model again"
        )
    if not tensor.HasField("shape") or len(tensor.shape.dim) != rank:
        raise ExportError(f"{path}: the {kind} {values[0].name} has shape {_sizes(values[0])} and must have {shape}")


def _layout(path: Path, sizes: list[int | None], asked: str | None) -> str:
    if asked is not None and asked not in LAYOUTS:
        raise ExportError(f"there is no layout {asked!r}; give {' or '.join(LAYOUTS)}")
    channels = {"NCHW": sizes[1], "NHWC": sizes[3]}
    if asked is not None:
        if channels[asked] not in (3, None):
            raise ExportError(f"{path}: with layout {asked} the input has {channels[asked]} channels and must have 3")
        return asked
    fitting = [layout for layout, count in channels.items() if count == 3]
    if len(fitting) == 1:
        return fitting[0]
    if fitting or None in channels.values():
        raise ExportError(
            f"{path}: the input's shape {sizes} does not determine its layout; give --layout NCHW or NHWC"
        )
    raise ExportError(f"{path}: the input's shape {sizes} has no 3 channels; SparkVision feeds graphs with RGB images")


def _inputs(model: Any) -> list[Any]:
    # Older graphs list their weights among the inputs.
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _sizes(value: Any) -> list[int | None]:
    return [size.dim_value or None for size in value.type.tensor_type.shape.dim]
