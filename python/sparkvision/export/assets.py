"""What lies in a bundle beside the graph: labels, the processor's settings, and the golden pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GOLDEN_INPUT, GOLDEN_OUTPUT, LABELS, PREPROCESSOR
from sparkvision.export import labels
from sparkvision.tensors import GoldenPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_assets(folder: Path, names: tuple[str, ...], processor_config: Mapping[str, Any]) -> None:
    """Write ``assets/labels.json`` and ``assets/preprocessor_config.json`` into a new bundle's folder."""
    (folder / LABELS).parent.mkdir()
    _write_json(folder / LABELS, labels.to_ids(names))
    _write_json(folder / PREPROCESSOR, processor_config)


def write_golden(folder: Path, given: NDArray[np.float32], expected: NDArray[np.float32]) -> GoldenPair:
    """Write an input and the first output that the graph must give for it, both with the pictures as first axis."""
    return write_pair(folder, given, expected, (GOLDEN_INPUT, GOLDEN_OUTPUT))


def write_pair(
    folder: Path, given: NDArray[np.float32], expected: NDArray[np.float32], files: tuple[str, str]
) -> GoldenPair:
    """Write a golden pair into two files of the bundle."""
    for name, values in zip(files, (given, expected), strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        values.astype("<f4").tofile(folder / name)
    return GoldenPair(files[0], given.shape, files[1], expected.shape)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
