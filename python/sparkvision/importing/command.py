"""The command `sparkvision import`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sparkvision.manifest import LAYOUTS, PROBLEM_TYPES

_EXAMPLE = """\
example:
  sparkvision import model.onnx my-model/ --labels labels.txt --preprocessor preprocessor_config.json
"""


def add_import(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser(
        "import",
        help="make a bundle from an ONNX graph of another framework",
        description="Make a bundle from an ONNX graph, and run it before it is put in place.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("graph", metavar="GRAPH", type=Path, help="one image input, one row of numbers per picture")
    command.add_argument("out", metavar="OUT", type=Path, help="folder of the bundle; a bundle there is replaced")
    command.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        required=True,
        help='JSON {"label": id}, JSON array, or a label per line',
    )
    command.add_argument(
        "--preprocessor",
        type=Path,
        metavar="FILE",
        required=True,
        help="preprocessor_config.json, as transformers has it",
    )
    command.add_argument(
        "--problem-type", choices=PROBLEM_TYPES, help="what the scores mean (default: as the graph's last node says)"
    )
    command.add_argument("--layout", choices=LAYOUTS, help="of the input (default: where its 3 channels are)")
    command.add_argument("--images", type=Path, metavar="FOLDER", help="pictures to run (default: four made in code)")
    command.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> None:
    from sparkvision.importing import import_onnx

    report = import_onnx(
        options.graph,
        options.out,
        options.labels,
        options.preprocessor,
        problem_type=options.problem_type,
        layout=options.layout,
        images=options.images,
    )
    print(f"{report.bundle.folder}: {report.bundle.size() / 1e6:,.1f} MB, model {report.bundle.model_hash()[:12]}")
