#!/usr/bin/env python3
"""Write the tables and plots of docs/performance.md, and the measured table of the README.

All of them are made from the rows in scripts/bench/results, which the commands of scripts/bench append. With --check
nothing is written, and the exit status is 1 when a table differs from what the rows say.
"""

from __future__ import annotations

import io
import re
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.rivals.roster import PEERS, REFERENCE  # noqa: E402
from bench.summary import (  # noqa: E402
    WAYS,
    Row,
    Throughput,
    cold_starts,
    last_run,
    newest,
    ratio_of_ways,
    read_rows,
    throughputs,
)

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"

COLUMNS = {
    "vit-base-jpeg": "ViT-B/16",
    "vit-tiny-jpeg": "ViT-tiny",
    "vit-tiny-12-megapixel": "ViT-tiny, 12-megapixel JPEGs",
}
BATCHES = ("vit-tiny-batches", "vit-base-batches")
GROWTH = ("digits-100", "digits-1000", "digits-10000")
MODELS = {"vit-base": "ViT-B/16", "vit-tiny": "ViT-tiny", "digits": "digits"}
PRECISIONS = {
    "optimized": "`--optimize`",
    "fp16": "`--precision fp16`",
    "int8": "`--precision int8`",
    "int8-calibrated": "`--precision int8 --calibrate`",
}
NAMES = {name: peer.what for name, peer in PEERS.items()}
OURS, THEIRS = "#c2410c", "#64748b"
NOTHING_YET = "Not measured yet: `scripts/bench/performance` does it."

# -- Tables


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of Markdown; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Write a speed with three significant figures."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def workload_table(rows: Sequence[Row], workload: str) -> str:
    """Write images a second, spread, ratio and memory of each peer."""
    head = ["", "img/s", "lowest to highest", "of onnxruntime alone", "peak MB"]
    return table(
        head,
        [
            [
                NAMES[t.peer],
                number(t.median),
                f"{number(t.lowest)} to {number(t.highest)}",
                _ratio(t),
                f"{t.megabytes:,}",
            ]
            for t in throughputs(rows, workload)
        ],
    )


def by_peer(head: Sequence[str], columns: Sequence[Mapping[str, str]]) -> str:
    """Write a row for each peer that has a cell in one of the columns."""
    lines = [[what, *(cells.get(peer, "") for cells in columns)] for peer, what in NAMES.items()]
    return table(head, [line for line in lines if any(line[1:])])


def readme_table(rows: Sequence[Row]) -> str:
    """Write images a second, and the ratio to bare onnxruntime in the same rounds, by workload."""
    columns = [{t.peer: f"{number(t.median)} ({_ratio(t)})" for t in throughputs(rows, name)} for name in COLUMNS]
    return by_peer(["img/s (of onnxruntime alone)", *COLUMNS.values()], columns)


def batches_table(rows: Sequence[Row], workload: str) -> str:
    """Write images a second by batch size."""
    found = throughputs(rows, workload)
    sizes = sorted({one.batch_size for one in found})
    columns = [{one.peer: number(one.median) for one in found if one.batch_size == size} for size in sizes]
    return by_peer(["img/s with batches of", *map(str, sizes)], columns)


def growth_table(rows: Sequence[Row], workloads: Sequence[str] = GROWTH) -> str:
    """Write the seconds of a round by the number of images."""
    seconds: dict[int, dict[str, list[float]]] = {}
    for row in (row for workload in workloads for row in newest(rows, workload)):
        seconds.setdefault(row["count"], {}).setdefault(row["peer"], []).append(row["seconds"])
    columns = [
        {peer: f"{statistics.median(of_one):.2f}" for peer, of_one in seconds[count].items()} for count in seconds
    ]
    return by_peer(["seconds for", *(f"{count:,}" for count in seconds)], columns)


def cold_table(rows: Sequence[Row]) -> str:
    """Write the seconds from the start of a process to its first label, by model."""
    columns = [
        {
            peer: f"{statistics.median(seconds):.1f} ({len(seconds)})"
            for peer, seconds in cold_starts(rows, name).items()
        }
        for name in MODELS
    ]
    return by_peer(["seconds (starts)", *MODELS.values()], columns)


def labels_table(rows: Sequence[Row]) -> str:
    """Name the peers that give the first image another class than bare onnxruntime does."""
    if not rows:
        return NOTHING_YET
    cold = [row for row in rows if row["phase"] == "cold"]
    expected = {(row["run"], row["model"]): row["label"] for row in cold if row["peer"] == REFERENCE}
    others = {
        f"`{row['peer']}, {row['model']}`": f"{row['label']}, not {expected[row['run'], row['model']]}"
        for row in cold
        if row["label"] != expected.get((row["run"], row["model"]), row["label"])
    }
    same = "All peers give the first image of a workload the class that onnxruntime alone gives it"
    return f"{same}, but:\n\n{table(['', 'class'], list(others.items()))}" if others else f"{same}."


def left_out_table(rows: Sequence[Row]) -> str:
    """Name the peers without figures, and the reasons."""
    if not rows:
        return NOTHING_YET
    reasons = {f"`{r['peer']}, {r['model']}`": r["reason"] for r in last_run(rows) if r["phase"] == "left out"}
    return table(["Omitted", "because"], list(reasons.items())) if reasons else "Every peer could be measured."


def machine_table(rows: Sequence[Row]) -> str:
    """Describe the machine of the last run."""
    of_run = last_run(rows)
    last, found = of_run[0], of_run[0]["machine"]
    others = statistics.mean(row["others_cores"] for row in of_run if "others_cores" in row)
    lines = [
        ["Processor", f"{found['cpu']}, {found['cores']} cores"],
        ["Vector instructions", ", ".join(found["vectors"])],
        ["Memory", f"{found['memory_gigabytes']} GB"],
        ["Load when the run began", f"{found['load']:.2f}"],
        *([f"`{name}`", value] for name, value in found["versions"].items()),
        ["Cores that other processes used, mean of the rounds", f"{others:.2f}"],
        ["Begun", last["run"]],
        ["Commit", f"`{last['commit']}`"],
    ]
    return table(["", ""], lines)


def unified_table(rows: Sequence[Row]) -> str:
    """Write images a second of both ways of scripts/bench/unified, and their ratio, by workload."""
    if not rows:
        return NOTHING_YET
    lines = []
    for workload in dict.fromkeys(row["workload"] for row in rows):
        found = newest(rows, workload)
        count = found[0]["count"]
        speeds = [count / statistics.median(row["seconds"] for row in found if row["way"] == way) for way in WAYS]
        figures = (*speeds, ratio_of_ways(found), ratio_of_ways(found, with_start=False))
        lines.append([f"`{workload}`: {count} x {found[0]['images']}", *(f"{value:.2f}" for value in figures)])
    return table(["", "images/s, one pipeline", "images/s, two systems", "ratio", "ratio without their start"], lines)


def precision_table(rows: Sequence[Row]) -> str:
    """Write how many times as fast as float32 each precision is: the median of the rounds of the last run."""
    if not rows:
        return NOTHING_YET
    speeds = {
        (row["model"], row["kernels"], row["precision"], row["round"]): row["img_per_s"]
        for row in last_run(rows)
        if row["counted"]
    }
    columns = list(dict.fromkeys((model, kernels) for model, kernels, _, _ in speeds))
    rounds = sorted({of_round for _, _, _, of_round in speeds})

    def ratio(model: str, kernels: str, precision: str) -> str:
        of_rounds = [speeds[model, kernels, precision, n] / speeds[model, kernels, "fp32", n] for n in rounds]
        return f"{statistics.median(of_rounds):.2f}"

    lines = [[option, *(ratio(*column, precision) for column in columns)] for precision, option in PRECISIONS.items()]
    return table(["times as fast as float32", *(f"{MODELS[model]}, {kernels}" for model, kernels in columns)], lines)


def similarity_table(rows: Sequence[Row]) -> str:
    """Write what building and searching an index cost by the number of vectors; the last row of each number counts."""
    if not rows:
        return NOTHING_YET
    head = ["vectors", "build, ms each", "with graphs", "exact query, ms", "approximate query, ms", "vectors compared"]
    head += ["recall@10", "disk an image, bytes", "with graphs"]
    lines = []
    for vectors, row in sorted({int(row["vectors"]): row for row in rows}.items()):
        exact, graphs, approximate = row["build_exact"], row["build_approximate"], row["approximate_100"]
        times = [number(of_one["cpu_ms"]) for of_one in (exact, graphs, row["exact"], approximate)]
        found = [f"{approximate['vectors_compared']:,.0f}", f"{approximate['recall_at_10']:.3f}"]
        lines.append([f"{vectors:,}", *times, *found, f"{exact['bytes']:,.0f}", f"{graphs['bytes']:,.0f}"])
    return table(head, lines)


def _ratio(one: Throughput) -> str:
    return "1" if one.peer == REFERENCE else "" if one.ratio is None else f"{one.ratio:.2f}"


# -- Plots


def plots(rows: Sequence[Row]) -> dict[str, bytes]:
    """Draw the workloads that were measured: PNG files by name."""
    figures = {
        **{name: _bars(f"{title}: images a second", _spread(rows, name)) for name, title in COLUMNS.items()},
        **{name: _lines(f"{name}: images a second by batch size", throughputs(rows, name)) for name in BATCHES},
        "cold": _bars(
            "ViT-B/16: seconds from the start of a process to its first label", cold_starts(rows, "vit-base")
        ),
    }
    images = {}
    for name, figure in figures.items():
        if figure is not None:
            file = io.BytesIO()
            # Without the version of the software, so that the same rows make the same file everywhere.
            figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
            images[name] = file.getvalue()
    return images


def _spread(rows: Sequence[Row], workload: str) -> dict[str, list[float]]:
    return {one.peer: [one.lowest, one.median, one.highest] for one in throughputs(rows, workload)}


def _figure(title: str, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _bars(title: str, values: Mapping[str, Sequence[float]]) -> Any:
    """Draw a bar to the median of each peer's values, and the values as dots."""
    if not values:
        return None
    figure, axes = _figure(title, height=1 + 0.3 * len(values))
    for peer, of_one in reversed(list(values.items())):
        colour = OURS if "SparkVision" in NAMES[peer] else THEIRS
        axes.barh(NAMES[peer], statistics.median(of_one), color=colour)
        axes.scatter(of_one, [NAMES[peer]] * len(of_one), color="black", s=8, zorder=2)
    return figure


def _lines(title: str, found: Sequence[Throughput]) -> Any:
    if not found:
        return None
    figure, axes = _figure(title, height=3.6)
    for peer in dict.fromkeys(one.peer for one in found):
        of_peer = [one for one in found if one.peer == peer]
        axes.plot([o.batch_size for o in of_peer], [o.median for o in of_peer], marker="o", label=NAMES[peer])
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return figure


# -- Pages


def page_tables() -> dict[Path, dict[str, str]]:
    """Make the tables of every document from the committed rows, by the names of their markers."""
    rows = read_rows("peers")
    plotted = {
        **{name: workload_table(rows, name) for name in COLUMNS},
        **{name: batches_table(rows, name) for name in BATCHES},
        "cold": cold_table(rows),
    }
    return {
        PAGE: {
            **{name: f"{made}\n\n![The same as a plot](performance/{name}.png)" for name, made in plotted.items()},
            "vit-tiny-one-slot": workload_table(rows, "vit-tiny-one-slot"),
            "growth": growth_table(rows),
            "left-out": left_out_table(rows),
            "labels": labels_table(rows),
            "machine": machine_table(rows),
            "unified": unified_table(read_rows("unified")),
            "similarity": similarity_table(read_rows("similarity")),
            "precision": precision_table(read_rows("precision")),
        },
        ROOT / "README.md": {"peers": readme_table(rows)},
    }


def with_tables(document: str, tables: Mapping[str, str]) -> str:
    """Replace the tables of a document.

    A table stands between ``<!-- performance: NAME -->`` and ``<!-- end of NAME -->``.

    Raises
    ------
    ValueError
        When the document has no place for a table.
    """
    for name, made in tables.items():
        place = re.compile(rf"(<!-- performance: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        document, found = place.subn(lambda match, made=made: f"{match[1]}{made}\n{match[2]}", document)  # type: ignore[misc]
        if not found:
            raise ValueError(f"the document has no markers for the table {name}")
    return document


def documents() -> dict[Path, str]:
    """Return the documents as the committed rows make them."""
    return {file: with_tables(file.read_text(), tables) for file, tables in page_tables().items()}


def main() -> int:
    """Write the documents and the plots, or compare the documents."""
    made = documents()
    if "--check" in sys.argv[1:]:
        stale = [file.name for file, text in made.items() if file.read_text() != text]
        print("\n".join(f"{name} differs from what scripts/performance_page.py makes of the rows" for name in stale))
        return 1 if stale else 0
    for file, text in made.items():
        file.write_text(text)
    PLOTS.mkdir(exist_ok=True)
    for name, image in plots(read_rows("peers")).items():
        (PLOTS / f"{name}.png").write_bytes(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
