"""Bundles like the embedded one: with its classes in another order, or with as many megabytes of weights as wanted."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from sparkvision.bundle import GOLDEN_OUTPUT, GRAPH, Bundle, describe_files, write_manifest

ROOT = Path(__file__).resolve().parents[3]
DIGITS = ROOT / "jvm/engine/src/main/resources/sparkvision/models/digits"
PADDING_FILE = "padding.bin"
COLUMNS = 1 << 18  # of float32: one row of padding is a megabyte


def digits_variant(folder: Path, *, rolled: int = 0, padding_megabytes: int = 0, external: bool = False) -> Path:
    """Write a bundle that labels digits as the embedded one does.

    Parameters
    ----------
    folder
        Made anew.
    rolled
        Say ``d + rolled`` (modulo 10) for a digit ``d``.
    padding_megabytes
        Weights that the graph reads and that change no logit.
    external
        Keep those weights in a file beside the graph, as models above 2 GB must.

    Returns
    -------
    Path
        The folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DIGITS, folder)
    graph = onnx.load(folder / GRAPH)
    _roll_classes(graph, rolled)
    if padding_megabytes:
        _pad(graph, padding_megabytes, folder / PADDING_FILE if external else None)
    (folder / GRAPH).write_bytes(graph.SerializeToString())
    golden = np.fromfile(folder / GOLDEN_OUTPUT, "<f4").reshape(-1, 10)
    np.roll(golden, rolled, axis=1).tofile(folder / GOLDEN_OUTPUT)
    write_manifest(folder, dataclasses.replace(Bundle.read(folder).manifest, files=describe_files(folder)))
    return folder


def _roll_classes(model: onnx.ModelProto, rolled: int) -> None:
    for weights in model.graph.initializer:
        if weights.name.startswith("classifier."):
            turned = np.roll(onnx.numpy_helper.to_array(weights), rolled, axis=0)
            weights.CopyFrom(onnx.numpy_helper.from_array(turned, weights.name))


def _pad(model: onnx.ModelProto, megabytes: int, file: Path | None) -> None:
    """Add 0 * (a row of random weights) to the logits.

    Which row, the input says, for otherwise ONNX Runtime would compute it once at load and forget the weights.
    """
    graph = model.graph
    weights = TensorProto(name="padding", data_type=TensorProto.FLOAT, dims=[megabytes, COLUMNS])
    random = np.random.default_rng(0)
    rows = (random.random(COLUMNS, dtype=np.float32).tobytes() for _ in range(megabytes))
    if file is None:
        weights.raw_data = b"".join(rows)
    else:
        with file.open("wb") as out:
            out.writelines(rows)
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=file.name)
        weights.external_data.add(key="length", value=str(megabytes << 20))
    graph.initializer.append(weights)
    graph.initializer.append(helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0]))
    (last,) = (node for node in graph.node if "logits" in node.output)
    last.output[0] = "bare_logits"
    graph.node.extend(
        [
            helper.make_node("ReduceSum", ["pixel_values"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "nothing"], ["zero"]),
            helper.make_node("Cast", ["zero"], ["first"], to=TensorProto.INT64),
            helper.make_node("Gather", ["padding", "first"], ["row"]),
            helper.make_node("ReduceSum", ["row"], ["row_sum"], keepdims=0),
            helper.make_node("Mul", ["row_sum", "nothing"], ["no_change"]),
            helper.make_node("Add", ["bare_logits", "no_change"], ["logits"]),
        ]
    )
