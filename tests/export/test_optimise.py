"""An optimised graph has fused operators, and computes what torch computes, in the engine too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest
from tests.export.foreign_graphs import Convolution

from sparkvision.errors import ExportError
from sparkvision.export import conversion, export
from sparkvision.verify import verify


def test_an_optimised_graph_is_fused_and_gives_torchs_logits(checkpoint: Path, digits: Path, tmp_path: Path) -> None:
    report = export(checkpoint, tmp_path / "out", optimize=True, progress=False)
    graph = onnx.load(tmp_path / "out" / "model.onnx")
    fused = Counter(node.op_type for node in graph.graph.node if node.domain == "com.microsoft")
    verified = verify(tmp_path / "out", checkpoint, digits, limit=5)
    print(f"\n{dict(fused)}: largest difference {report.largest_difference:.1e} in Python, ", end="")
    print(f"{verified.largest_logit_difference:.1e} in the engine")
    assert fused["BiasGelu"] > 0 and fused["SkipLayerNormalization"] == 2 * fused["BiasGelu"]
    assert "Erf" not in {node.op_type for node in graph.graph.node}
    assert report.largest_difference < 1e-4
    assert verified.passed and verified.largest_logit_difference < 1e-4


def test_a_graph_with_nothing_to_fuse_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    written = Convolution().write(tmp_path / "model.onnx").read_bytes()
    with pytest.raises(ExportError, match="nothing that ONNX Runtime's optimiser can fuse"):
        conversion.fuse(tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == written
