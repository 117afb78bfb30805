"""The ONNX graph of a bundle: written by optimum's exporter, read for what it declares, and run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError, first_line
from sparkvision.export.architectures import DEFAULT_OPSET
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.export.tracing import traceable
from sparkvision.tensors import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]

# The operator sets of torch's TorchScript exporter, which optimum uses: from ONNX_BASE_OPSET to
# ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET in torch.onnx._constants (torch 2.15).
_OPSETS = range(9, 21)

# protobuf's limit of 2 GiB for one message, less some room for the graph without its weights.
LARGEST_FILE = 2_000_000_000


@dataclass(frozen=True)
class GraphFacts:
    """The declarations of a written graph: operator set, IR version, inputs and outputs."""

    opset: int
    ir_version: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def choose_opset(opset: int | None) -> int:
    """Return the operator set to export with: the requested one, or `DEFAULT_OPSET`.

    Raises
    ------
    ExportError
        If torch cannot export with the requested one.
    """
    if opset is not None and opset not in _OPSETS:
        raise ExportError(
            f"opset {opset} cannot be exported; give one from {_OPSETS.start} to {_OPSETS.stop - 1}, "
            "or omit it for the default"
        )
    return opset if opset is not None else DEFAULT_OPSET


def write(checkpoint: Checkpoint, folder: Path, opset: int) -> None:
    """Write the checkpoint's graph to ``model.onnx`` in the folder, weights beside it when they exceed 2 GB.

    The batch size is free. Channels, height and width are those of the checkpoint's processor. For a detection model
    height and width are free too.

    Parameters
    ----------
    checkpoint : Checkpoint
        The loaded source.
    folder : Path
        An existing folder.
    opset : int
        ONNX operator set, from `choose_opset`.

    Raises
    ------
    ExportError
        If this model cannot be traced with this operator set.
    """
    import torch

    path = folder / GRAPH
    # More than one image, so that nothing is broadcast by chance.
    pixels = torch.randn((2, *checkpoint.pixel_shape), generator=torch.Generator().manual_seed(0))
    example = {"pixel_values": pixels}
    free = {name: {0: "batch_size"} for name in ("pixel_values", *checkpoint.output_names)}
    if checkpoint.sizes_vary:
        free["pixel_values"] = {0: "batch_size", 2: "height", 3: "width"}
    if checkpoint.takes_mask:
        example["pixel_mask"] = torch.ones((2, *checkpoint.pixel_shape[1:]), dtype=torch.int64)
        free["pixel_mask"] = {0: "batch_size", 1: "height", 2: "width"}
    with traceable(checkpoint):
        trace(checkpoint, path, opset, example, free)
    _declare_output_shapes(checkpoint, path)


def trace(
    checkpoint: Checkpoint, path: Path, opset: int, example: Mapping[str, Tensor], free: Mapping[str, dict[int, str]]
) -> None:
    """Trace the checkpoint's model, and write the graph.

    Parameters
    ----------
    checkpoint : Checkpoint
        The ``forward`` function of its model takes the inputs by their names, and returns a dict of the outputs.
    path : Path
        The file to write, weights beside it when they exceed 2 GB.
    opset : int
        ONNX operator set.
    example : mapping of str to Tensor
        The inputs.
    free : mapping of str to dict
        The names of the axes that may vary, for each input and output.

    Raises
    ------
    ExportError
        If this model cannot be traced with this operator set.
    """
    from optimum.exporters.onnx import export as export_graph

    try:
        export_graph(checkpoint.model, _onnx_config(checkpoint, example, free), path, opset=opset, device="cpu")
    except Exception as error:  # the tracer raises exceptions of many kinds
        raise ExportError(
            f"{checkpoint.source}: a {checkpoint.config.model_type} model cannot be exported to ONNX for "
            f"{checkpoint.task} with opset {opset}: {first_line(error)}; try another opset, or "
            "omit it for the default"
        ) from error


def save(model: Any, folder: Path) -> None:
    """Write an ONNX model to ``model.onnx`` in the folder, its weights beside it if one file cannot hold them."""
    import onnx

    data = f"{GRAPH}_data"
    large = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > LARGEST_FILE
    onnx.save(model, folder / GRAPH, save_as_external_data=large, location=data if large else None)


def read_facts(folder: Path, name: str = GRAPH) -> GraphFacts:
    """Read the declarations of a graph in the folder, without its weights."""
    import onnx

    graph = onnx.load(folder / name, load_external_data=False)
    opset = next(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx"))
    initialised = {tensor.name for tensor in graph.graph.initializer}
    inputs = tuple(_tensor(value) for value in graph.graph.input if value.name not in initialised)
    return GraphFacts(opset, graph.ir_version, inputs, tuple(_tensor(value) for value in graph.graph.output))


def open_session(folder: Path, graph: str = GRAPH) -> Any:
    """Open a graph in the folder with ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # faults of a graph are reported by exceptions
    # ONNX Runtime and torch take turns. Threads of the one that spin while they wait would occupy the other's cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(folder / graph), options, providers=["CPUExecutionProvider"])


def run(session: Any, pixel_values: Floats, mask: Mask | None = None) -> list[Floats]:
    """Return all outputs of the graph, in its order. Without a mask every pixel belongs to an image."""
    import numpy as np

    pixels, *masks = (given.name for given in session.get_inputs())
    fed: dict[str, Any] = {pixels: pixel_values}
    for name in masks:
        batch, _, height, width = pixel_values.shape
        fed[name] = np.ones((batch, height, width), np.int64) if mask is None else mask
    outputs: list[Floats] = session.run(None, fed)
    return outputs


def _onnx_config(checkpoint: Checkpoint, example: Mapping[str, Tensor], free: Mapping[str, dict[int, str]]) -> Any:
    """Describe the graph to optimum, with one configuration for all architectures because their graphs look alike."""
    from optimum.exporters.onnx import OnnxConfig
    from optimum.utils import NormalizedConfig

    class GraphOnnxConfig(OnnxConfig):  # type: ignore[misc]
        NORMALIZED_CONFIG_CLASS = NormalizedConfig
        inputs = {name: axes for name, axes in free.items() if name in example}
        outputs = {name: axes for name, axes in free.items() if name not in example}

        def generate_dummy_inputs(self, framework: str = "pt", **_: Any) -> dict[str, Any]:
            return {name: value if framework == "pt" else value.numpy() for name, value in example.items()}

    return GraphOnnxConfig(checkpoint.config, task=checkpoint.task)


def _declare_output_shapes(checkpoint: Checkpoint, path: Path) -> None:
    """Write the sizes of the outputs into the graph where the tracer did not find that they are constant."""
    import onnx
    import torch

    graph = onnx.load(path, load_external_data=False)
    outputs = checkpoint.outputs(torch.zeros((1, *checkpoint.pixel_shape)))
    unknown = False
    for declared in graph.graph.output:
        sizes = outputs[declared.name].shape[1:]
        for dimension, size in zip(declared.type.tensor_type.shape.dim[1:], sizes, strict=True):
            unknown = unknown or not dimension.dim_value
            dimension.dim_value = size
    if unknown:
        onnx.save(graph, path)


def _tensor(value: Any) -> TensorSpec:
    from onnx import helper

    tensor = value.type.tensor_type
    shape = tuple(size.dim_param or int(size.dim_value) for size in tensor.shape.dim)
    return TensorSpec(value.name, str(helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape)
