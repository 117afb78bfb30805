"""What the commands that make bundles have in common: their options, and what they say of a bundle that is done."""

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
    typer.Option(metavar="FOLDER", help="pictures to compare on (default: four made in code)", show_default=False),
]
Precision: TypeAlias = Annotated[
    PrecisionName, typer.Option(help="what the graph computes with; other than fp32 is compared with it")
]
Calibrate: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="pictures to take int8's ranges from (default: each batch gives its own)",
        show_default=False,
    ),
]


def tell_written(bundle: Bundle) -> None:
    """Say where the bundle is, how large, and the beginning of its model hash."""
    print(f"{bundle.folder}: {bundle.size() / 1e6:,.1f} MB, model {bundle.model_hash()[:12]}")
