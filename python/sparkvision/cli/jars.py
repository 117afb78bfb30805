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
            help="omit the CPU runtime; the Maven coordinate of the runtime for CUDA 12 is printed on stderr, for "
            "--packages",
        ),
    ] = False,
    cuda13: Annotated[
        bool, typer.Option("--cuda13", help="with the runtime for CUDA 13, fetched once, in place of the CPU runtime")
    ] = False,
    onednn: Annotated[
        bool,
        typer.Option("--onednn", help="with the runtime with oneDNN, fetched once, in place of the CPU runtime"),
    ] = False,
) -> None:
    """Print the jars that spark-submit needs.

    Their paths are comma-separated, as its option --jars takes them.
    """
    from sparkvision._spark.jars import Gpu, gpu_runtime
    from sparkvision._spark.jars import jars as jars_of_session

    runtime: Gpu = "cuda13" if cuda13 else "cuda12" if gpu else False
    print(",".join(str(jar) for jar in jars_of_session(gpu=runtime, onednn=onednn)), flush=True)
    if runtime == "cuda12":
        print(f"and for the CUDA runtime: --packages {gpu_runtime()}", file=sys.stderr)
