"""A graph from elsewhere: what it takes and gives, refused where it could not be run, and made fit for a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkvision.errors import ExportError
from sparkvision.export.checkpoint_files import first_line
from sparkvision.manifest import LAYOUTS

# By the last node: what its scores mean.
_PROBLEM_TYPES = {"Softmax": "single_label_classification", "Sigmoid": "multi_label_classification"}


@dataclass(frozen=True)
class ForeignGraph:
    """An ONNX graph that takes pictures and gives a row of numbers for each.

    Attributes
    ----------
    path : Path
        Where it came from.
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
        """Give height and width, each None where it is free."""
        sizes = _sizes(self.input)
        return (sizes[2], sizes[3]) if self.layout == "NCHW" else (sizes[1], sizes[2])

    def classes(self) -> int | None:
        """Give how many numbers there are for a picture, or None where that is free."""
        return _sizes(self.output)[1]

    def problem_type(self, classes: int) -> str:
        """Give what the graph's end tells about its scores; without an activation, what transformers would assume."""
        activation = self._activation()
        if activation:
            return _PROBLEM_TYPES[activation[-1].op_type]
        return "regression" if classes == 1 else "single_label_classification"

    def end_in_logits(self) -> str | None:
        """Leave out the last softmax or sigmoid; give its name in ONNX, or None when there is none."""
        activation = self._activation()
        if not activation:
            return None
        self.output.name = activation[-1].input[0]
        for node in activation:
            self.model.graph.node.remove(node)
        return str(activation[-1].op_type)

    def declare_shapes(self, height: int, width: int, classes: int) -> None:
        """Declare the number of pictures free, their size as the processor makes it, and the number of classes."""
        sizes = [3, height, width] if self.layout == "NCHW" else [height, width, 3]
        for value, fixed in ((self.input, sizes), (self.output, [classes])):
            batch, *others = value.type.tensor_type.shape.dim
            batch.dim_param = "batch_size"
            for dimension, size in zip(others, fixed, strict=True):
                dimension.dim_value = size
        # What was inferred for the values in between may hold for the old sizes only.
        del self.model.graph.value_info[:]

    def _activation(self) -> list[Any]:
        """Give the nodes from the output back to the softmax or sigmoid that makes it; none where none does."""
        makers = {output: node for node in self.model.graph.node for output in node.output}
        nodes = [makers.get(self.output.name)]
        while nodes[-1] is not None and nodes[-1].op_type == "Identity":
            nodes.append(makers.get(nodes[-1].input[0]))
        return nodes if nodes[-1] is not None and nodes[-1].op_type in _PROBLEM_TYPES else []


def read(path: Path, layout: str | None) -> ForeignGraph:
    """Read a graph with its external data, and refuse what cannot become a bundle.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file.
    layout : str or None
        One of `LAYOUTS`; None finds it by the three channels.

    Raises
    ------
    ExportError
        If it is no ONNX graph, or does not take one picture tensor and give one row of numbers for each picture.
    """
    import onnx

    if not path.is_file():
        raise ExportError(f"{path}: there is no such file; give an ONNX graph")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's and onnx's own errors, and those of external data
        raise ExportError(
            f"{path} cannot be read as an ONNX graph: {first_line(error)}; convert the model again"
        ) from error
    inputs, outputs = _inputs(model), list(model.graph.output)
    if not model.graph.node:
        raise ExportError(f"{path} holds no ONNX graph; convert the model again")
    _require_one(path, "input", inputs, 4, "[pictures, 3, height, width] or [pictures, height, width, 3]")
    _require_one(path, "output", outputs, 2, "[pictures, classes]")
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
        raise ExportError(f"layout {asked!r} is none; give {' or '.join(LAYOUTS)}")
    channels = {"NCHW": sizes[1], "NHWC": sizes[3]}
    if asked is not None:
        if channels[asked] not in (3, None):
            raise ExportError(f"{path}: with layout {asked} the input has {channels[asked]} channels and must have 3")
        return asked
    fitting = [layout for layout, count in channels.items() if count == 3]
    if len(fitting) == 1:
        return fitting[0]
    if fitting or None in channels.values():
        raise ExportError(f"{path}: the input's shape {sizes} does not tell its layout; give --layout NCHW or NHWC")
    raise ExportError(f"{path}: the input's shape {sizes} has no 3 channels; SparkVision gives graphs RGB pictures")


def _inputs(model: Any) -> list[Any]:
    # Older graphs list their weights among the inputs.
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _sizes(value: Any) -> list[int | None]:
    return [size.dim_value or None for size in value.type.tensor_type.shape.dim]
