"""From the torch model to the ONNX graph, by optimum's exporter; and what the written graph declares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.manifest import TensorSpec

# ONNX Runtime 1.24's oneDNN provider computes wrong logits for a ViT at opset 17 and right ones at 14; the CPU
# provider is as fast at 14. Other model types use the opset that optimum chooses for them.
_DEFAULT_OPSETS = {"vit": 14}

# What torch's TorchScript exporter, the one under optimum, knows: from ONNX_BASE_OPSET to
# ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET in torch.onnx._constants (torch 2.15).
_OPSETS = range(9, 21)


@dataclass(frozen=True)
class GraphFacts:
    """What a written graph declares: operator set, IR version, inputs and outputs."""

    opset: int
    ir_version: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def choose_opset(model_type: str, opset: int | None) -> int | None:
    """Give the operator set to export with: the one asked for, else the model type's default, else None.

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
    return opset if opset is not None else _DEFAULT_OPSETS.get(model_type)


def write(checkpoint: Checkpoint, folder: Path, opset: int | None) -> None:
    """Write the checkpoint's graph to ``model.onnx`` in the folder, weights beside it when they exceed 2 GB.

    The batch size is left free. Channels, height and width are fixed where the model has a fixed picture size.

    Parameters
    ----------
    checkpoint : Checkpoint
        The loaded source.
    folder : Path
        An existing folder.
    opset : int or None
        ONNX operator set, from `choose_opset`; None leaves it to optimum.

    Raises
    ------
    ExportError
        If optimum cannot export this model type, task or operator set.
    """
    from optimum.exporters.onnx import export as export_graph

    model_type = checkpoint.config.model_type
    try:
        onnx_config = _onnx_config(checkpoint)
        export_graph(checkpoint.model, onnx_config, folder / GRAPH, opset=opset, device="cpu")
    except Exception as error:  # the tracer raises nearly anything for an operator set that cannot hold the model
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ExportError(
            f"{checkpoint.source}: a {model_type} model cannot be exported to ONNX for {checkpoint.task} with "
            f"opset {opset or 'chosen by optimum'}: {reason}; try another opset, or leave it away for the default"
        ) from error


def read_facts(folder: Path) -> GraphFacts:
    """Read what the graph in the folder declares, without its weights."""
    import onnx

    graph = onnx.load(folder / GRAPH, load_external_data=False)
    opset = next(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx"))
    initialised = {tensor.name for tensor in graph.graph.initializer}
    inputs = tuple(_tensor(value) for value in graph.graph.input if value.name not in initialised)
    return GraphFacts(opset, graph.ir_version, inputs, tuple(_tensor(value) for value in graph.graph.output))


def _onnx_config(checkpoint: Checkpoint) -> Any:
    from optimum.exporters.tasks import TasksManager

    constructor = TasksManager.get_exporter_config_constructor(
        exporter="onnx", model=checkpoint.model, task=checkpoint.task, library_name="transformers"
    )
    onnx_config = constructor(checkpoint.config)
    if checkpoint.image_shape() is None:
        return onnx_config
    # Optimum frees channels, height and width as well, but a ViT takes one size only: a graph that says so is
    # refused other sizes by ONNX Runtime with a clear message, and its shapes are folded into constants.
    base = type(onnx_config)
    only_batch = {name: {0: axes[0]} for name, axes in onnx_config.inputs.items()}
    onnx_config.__class__ = type(base.__name__, (base,), {"inputs": property(lambda self: only_batch)})
    return onnx_config


def _tensor(value: Any) -> TensorSpec:
    from onnx import helper

    tensor = value.type.tensor_type
    shape = tuple(size.dim_param or int(size.dim_value) for size in tensor.shape.dim)
    return TensorSpec(value.name, str(helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape)
