"""What the commands that make bundles share: their options, and the line that they print at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from sparkvision.manifest import PrecisionName

if TYPE_CHECKING:
    from sparkvision.bundle import Bundle

LABELS_FORMATS = 'JSON {"label": id}, JSON array, or a label per line'

Out: TypeAlias = Annotated[Path, typer.Argument(metavar="OUT", help="folder of the bundle; a bundle there is replaced")]
Images: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="images to compare on (default: four made in code)", show_default=False),
]
Precision: TypeAlias = Annotated[
    PrecisionName, typer.Option(help="the precision of the graph; a precision other than fp32 is compared with fp32")
]
Calibrate: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="images that the ranges of int8 are taken from (default: each batch has its own)",
        show_default=False,
    ),
]


def print_written(bundle: Bundle) -> None:
    """Print the folder of a bundle, its size, and the beginning of its model hash."""
    print(f"{bundle.folder}: {bundle.size() / 1e6:,.1f} MB, model {bundle.model_hash()[:12]}")
