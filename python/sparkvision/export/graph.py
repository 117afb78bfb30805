"""From the torch model to the ONNX graph, by optimum's exporter; and what the written graph declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.architectures import DEFAULT_OPSET
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.export.checkpoint_files import first_line
from sparkvision.export.tracing import traceable
from sparkvision.tensors import TensorSpec

if TYPE_CHECKING:
    from torch import Tensor

# What torch's TorchScript exporter, the one under optimum, knows: from ONNX_BASE_OPSET to
# ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET in torch.onnx._constants (torch 2.15).
_OPSETS = range(9, 21)

# protobuf's limit of 2 GiB for one message, less room for what is not weights.
LARGEST_FILE = 2_000_000_000


@dataclass(frozen=True)
class GraphFacts:
    """What a written graph declares: operator set, IR version, inputs and outputs."""

    opset: int
    ir_version: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def choose_opset(opset: int | None) -> int:
    """Give the operator set to export with: the one asked for, else `DEFAULT_OPSET`.

    Raises
    ------
    ExportError
        If the one asked for is none that torch can export with.
    """
    if opset is not None and opset not in _OPSETS:
        raise ExportError(
            f"opset {opset} cannot be exported; give one from {_OPSETS.start} to {_OPSETS.stop - 1}, "
            "or leave it away for the default"
        )
    return opset if opset is not None else DEFAULT_OPSET


def write(checkpoint: Checkpoint, folder: Path, opset: int) -> None:
    """Write the checkpoint's graph to ``model.onnx`` in the folder, weights beside it when they exceed 2 GB.

    The batch size is left free; channels, height and width are what the checkpoint's processor makes. Of a detection
    model height and width are free too.

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
        If this model cannot be traced, or not with this operator set.
    """
    import torch

    path = folder / GRAPH
    # More than one picture, so that nothing is broadcast by chance.
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
    """Write what the checkpoint's model computes as a graph.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its model's ``forward`` takes the inputs by their names, and gives a dict of the outputs.
    path : Path
        The file to write, weights beside it when they exceed 2 GB.
    opset : int
        ONNX operator set.
    example : mapping of str to Tensor
        The inputs.
    free : mapping of str to dict
        For each input and output the names of the axes that may vary.

    Raises
    ------
    ExportError
        If this model cannot be traced, or not with this operator set.
    """
    from optimum.exporters.onnx import export as export_graph

    try:
        export_graph(checkpoint.model, _onnx_config(checkpoint, example, free), path, opset=opset, device="cpu")
    except Exception as error:  # the tracer raises nearly anything for an operator set that cannot hold the model
        raise ExportError(
            f"{checkpoint.source}: a {checkpoint.config.model_type} model cannot be exported to ONNX for "
            f"{checkpoint.task} with opset {opset}: {first_line(error)}; try another opset, or "
            "leave it away for the default"
        ) from error


def save(model: Any, folder: Path) -> None:
    """Write an ONNX model to ``model.onnx`` in the folder, its weights beside it where one file cannot hold all."""
    import onnx

    data = f"{GRAPH}_data"
    large = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > LARGEST_FILE
    onnx.save(model, folder / GRAPH, save_as_external_data=large, location=data if large else None)


def read_facts(folder: Path, name: str = GRAPH) -> GraphFacts:
    """Read what a graph in the folder declares, without its weights."""
    import onnx

    graph = onnx.load(folder / name, load_external_data=False)
    opset = next(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx"))
    initialised = {tensor.name for tensor in graph.graph.initializer}
    inputs = tuple(_tensor(value) for value in graph.graph.input if value.name not in initialised)
    return GraphFacts(opset, graph.ir_version, inputs, tuple(_tensor(value) for value in graph.graph.output))


def _onnx_config(checkpoint: Checkpoint, example: Mapping[str, Tensor], free: Mapping[str, dict[int, str]]) -> Any:
    """Describe the graph to optimum: one configuration for all architectures, since their graphs look alike."""
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
    """Write the sizes of the outputs into the graph where the tracer did not see that they are always the same."""
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
