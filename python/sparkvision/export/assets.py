"""What lies in a bundle beside the graph: labels, the processor's settings, and the golden pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GOLDEN_INPUT, GOLDEN_OUTPUT, LABELS, PREPROCESSOR
from sparkvision.export import labels
from sparkvision.manifest import GoldenPair

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
    (folder / GOLDEN_INPUT).parent.mkdir(exist_ok=True)
    given.astype("<f4").tofile(folder / GOLDEN_INPUT)
    expected.astype("<f4").tofile(folder / GOLDEN_OUTPUT)
    return GoldenPair(GOLDEN_INPUT, given.shape, GOLDEN_OUTPUT, expected.shape)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
