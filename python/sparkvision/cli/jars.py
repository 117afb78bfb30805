"""The command `sparkvision jars`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sparkvision.cli.command import command


@command("jars", 'spark-submit --jars "$(sparkvision jars)" job.py')
def jars(
    gpu: Annotated[
        bool,
        typer.Option(
            "--gpu",
            help="leave out the CPU runtime; the CUDA runtime's Maven coordinate, for --packages, is told on stderr",
        ),
    ] = False,
) -> None:
    """Print the jars that spark-submit needs.

    Their paths are comma-separated, as its --jars wants them.
    """
    # Brings pyspark with it, which the commands for bundles do not need.
    from sparkvision._session import gpu_runtime
    from sparkvision._session import jars as jars_of_session

    print(",".join(str(jar) for jar in jars_of_session(gpu=gpu)), flush=True)
    if gpu:
        print(f"and for the CUDA runtime: --packages {gpu_runtime()}", file=sys.stderr)
