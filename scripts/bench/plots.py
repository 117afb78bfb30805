"""Plots of what scripts/bench/peers and scripts/bench/scale measured: PNG files, and one page of HTML with all."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.performance_tables import README_COLUMNS, last_scale
from bench.rivals.roster import PEERS
from bench.summary import Row, cold_starts, newest, throughputs

OURS, THEIRS = "#c2410c", "#64748b"


def plots(rows: Sequence[Row], scale: Sequence[Row]) -> dict[str, bytes]:
    """Draw everything that there are rows for: PNG files by name."""
    drawn = {workload: _bars(rows, workload, title) for workload, title in README_COLUMNS.items()}
    drawn |= {name: _batches(rows, name) for name in ("vit-tiny-batches", "vit-base-batches")}
    drawn |= {"growth": _growth(rows), "cold": _cold(rows, "vit-base"), "scale": _scale(scale)}
    return {name: _png(figure) for name, figure in drawn.items() if figure is not None}


def write_page(file: Path, images: dict[str, bytes]) -> None:
    """Write all plots into one HTML file that needs nothing else."""
    body = "\n".join(
        f'<h2>{html.escape(name)}</h2><img alt="{html.escape(name)}" src="data:image/png;base64,'
        f'{base64.b64encode(image).decode()}">'
        for name, image in images.items()
    )
    style = "body{font-family:sans-serif;max-width:60rem;margin:2rem auto}img{max-width:100%}"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>SparkVision: performance</title><style>{style}'
    file.write_text(f"{head}</style><h1>SparkVision and its peers</h1>\n{body}\n</html>\n")


def _figure(title: str, height: float = 3.6) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    # Without the software's version, so that the same rows give the same file wherever they are drawn.
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


def _colour(peer: str) -> str:
    return OURS if PEERS[peer].module.endswith((".spark_vision", ".local_model")) else THEIRS


def _bars(rows: Sequence[Row], workload: str, title: str) -> Any:
    found = throughputs(rows, workload)[::-1]
    if not found:
        return None
    figure, axes = _figure(f"{title}: pictures a second", height=1 + 0.3 * len(found))
    medians = [one.median for one in found]
    spread = [[o.median - o.lowest for o in found], [o.highest - o.median for o in found]]
    labels = [PEERS[one.peer].what for one in found]
    axes.barh(labels, medians, xerr=spread, color=[_colour(one.peer) for one in found], ecolor="black")
    return figure


def _batches(rows: Sequence[Row], workload: str) -> Any:
    found = throughputs(rows, workload)
    if not found:
        return None
    figure, axes = _figure(f"{workload}: pictures a second by batch size")
    for peer in dict.fromkeys(one.peer for one in found):
        of_peer = [one for one in found if one.peer == peer]
        axes.plot([o.batch_size for o in of_peer], [o.median for o in of_peer], marker="o", label=PEERS[peer].what)
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return figure


def _growth(rows: Sequence[Row]) -> Any:
    found = [row for name in ("digits-100", "digits-1000", "digits-10000") for row in newest(rows, name, "warm")]
    if not found:
        return None
    figure, axes = _figure("digits: seconds by the number of pictures")
    for peer in dict.fromkeys(row["peer"] for row in found):
        points = sorted((row["count"], row["seconds"]) for row in found if row["peer"] == peer)
        axes.plot(*zip(*points, strict=True), marker=".", label=PEERS[peer].what)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize="small")
    return figure


def _cold(rows: Sequence[Row], model: str) -> Any:
    found = cold_starts(rows, model)
    if not found:
        return None
    figure, axes = _figure(f"{model}: seconds from the start of a process to its first label", 1 + 0.3 * len(found))
    for peer, seconds in reversed(found.items()):
        axes.barh(PEERS[peer].what, sorted(seconds)[len(seconds) // 2], color=_colour(peer))
        axes.scatter(seconds, [PEERS[peer].what] * len(seconds), color="black", s=8, zorder=2)
    return figure


def _scale(scale: Sequence[Row]) -> Any:
    found = last_scale(scale)
    if not found:
        return None
    figure, axes = _figure("A model sent to executors: processor seconds")
    executors = [row["executors"] for row in found]
    axes.plot(executors, [r["driver_cpu_seconds"] for r in found], marker="o", label="driver", color=OURS)
    each = [r["executors_cpu_seconds"] / r["executors"] for r in found]
    axes.plot(executors, each, marker="o", label="each executor", color=THEIRS)
    axes.set_xticks(executors)
    axes.set_xlabel("executors")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return figure
