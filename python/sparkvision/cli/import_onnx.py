"""The command `sparkvision import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparkvision.cli.bundle_options import LABELS_FORMATS, Calibrate, Images, Out, Precision, print_written
from sparkvision.cli.command import command
from sparkvision.manifest import FULL_PRECISION, Layout, ProblemType


@command(
    "import",
    "sparkvision import model.onnx my-model/ --labels labels.txt --preprocessor preprocessor_config.json",
)
def import_onnx(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="one image input, one row of numbers per image")],
    out: Out,
    labels: Annotated[Path, typer.Option(metavar="FILE", help=LABELS_FORMATS)],
    preprocessor: Annotated[
        Path, typer.Option(metavar="FILE", help="preprocessor_config.json, as transformers has it")
    ],
    problem_type: Annotated[
        ProblemType | None,
        typer.Option(help="the meaning of the scores (default: from the graph's last node)"),
    ] = None,
    layout: Annotated[Layout | None, typer.Option(help="of the input (default: from its 3 channels)")] = None,
    images: Images = None,
    precision: Precision = FULL_PRECISION,
    calibrate: Calibrate = None,
) -> None:
    """Make a bundle from an ONNX graph of another framework.

    The graph is run before the bundle is put in place.
    """
    from sparkvision.importing import import_onnx as import_graph

    report = import_graph(
        graph,
        out,
        labels,
        preprocessor,
        problem_type=problem_type,
        layout=layout,
        images=images,
        precision=precision,
        calibrate=calibrate,
    )
    print_written(report.bundle)
