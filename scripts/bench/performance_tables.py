"""The tables of docs/performance.md and of the README, from the rows that were measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from bench.cost_model import Costs
from bench.rivals.roster import PEERS, REFERENCE
from bench.summary import Row, Throughput, cold_starts, last_run, left_out, newest, other_labels, throughputs

NOTHING_YET = "Not measured yet: `scripts/bench/performance` does it."
README_COLUMNS = {
    "vit-base-jpeg": "ViT-B/16",
    "vit-tiny-jpeg": "ViT-tiny",
    "vit-tiny-12-megapixel": "ViT-tiny, 12-megapixel JPEGs",
}
GROWTH = ("digits-100", "digits-1000", "digits-10000")
MODELS = {"vit-base": "ViT-B/16", "vit-tiny": "ViT-tiny", "digits": "digits"}
JOBS = (1e6, 1e7, 1e8, 1e9)
CLUSTERS = (10, 100, 1000)
CORES_AN_EXECUTOR = 4


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of Markdown; the columns after the first to the right."""
    if not rows:
        return NOTHING_YET
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def workload_table(rows: Sequence[Row], workload: str) -> str:
    """Peers of a workload with one batch size: pictures a second, spread, ratio and memory."""
    lines = [
        [
            PEERS[one.peer].what,
            number(one.median),
            f"{number(one.lowest)} to {number(one.highest)}",
            _ratio(one),
            f"{one.megabytes:,}",
        ]
        for one in throughputs(rows, workload)
    ]
    return table(["", "img/s", "lowest to highest", "of onnxruntime alone", "peak MB"], lines)


def readme_table(rows: Sequence[Row]) -> str:
    """Peers by workload: pictures a second, and the ratio to bare onnxruntime of the same rounds."""
    found = {workload: {one.peer: one for one in throughputs(rows, workload)} for workload in README_COLUMNS}
    lines = []
    for peer, about in PEERS.items():
        cells = [of_workload.get(peer) for of_workload in found.values()]
        if any(cells):
            lines.append([about.what, *(f"{number(c.median)} ({_ratio(c)})" if c else "" for c in cells)])
    return table(["img/s (of onnxruntime alone)", *README_COLUMNS.values()], lines)


def batches_table(rows: Sequence[Row], workload: str) -> str:
    """Pictures a second by batch size."""
    found = {(one.peer, one.batch_size): one for one in throughputs(rows, workload)}
    sizes = sorted({size for _, size in found})
    lines = [
        [PEERS[peer].what, *(_speed(found.get((peer, size))) for size in sizes)]
        for peer in PEERS
        if any((peer, size) in found for size in sizes)
    ]
    return table(["img/s with batches of", *map(str, sizes)], lines)


def growth_table(rows: Sequence[Row], workloads: Sequence[str]) -> str:
    """Seconds by the number of pictures."""
    seconds: dict[tuple[str, int], list[float]] = {}
    for row in (row for workload in workloads for row in newest(rows, workload, "warm")):
        seconds.setdefault((row["peer"], row["count"]), []).append(row["seconds"])
    measured = {peer for peer, _ in seconds}
    counts = sorted({count for _, count in seconds})
    lines = [
        [PEERS[peer].what, *(_median(seconds.get((peer, count)), "{:.2f}") for count in counts)]
        for peer in PEERS
        if peer in measured
    ]
    return table(["seconds for", *(f"{count:,}" for count in counts)], lines)


def cold_table(rows: Sequence[Row]) -> str:
    """Seconds from a process's start to its first label, by model."""
    found = {model: cold_starts(rows, model) for model in MODELS}
    lines = []
    for peer, about in PEERS.items():
        cells = [_median(of_model.get(peer), "{:.1f} ({})") for of_model in found.values()]
        if any(cells):
            lines.append([about.what, *cells])
    return table(["seconds (starts)", *MODELS.values()], lines)


def left_out_table(rows: Sequence[Row]) -> str:
    """Peers without figures, and why."""
    if not rows:
        return NOTHING_YET
    reasons = [[f"`{what}`", reason] for what, reason in left_out(rows).items()]
    return table(["Left out", "because"], reasons) if reasons else "Every peer could be measured."


def labels_table(rows: Sequence[Row]) -> str:
    """Say whether the peers compute the same: peers with another label for the first picture."""
    if not rows:
        return NOTHING_YET
    others = [[f"`{what}`", labels] for what, labels in other_labels(rows).items()]
    same = "All peers give the first picture of a workload the class that onnxruntime alone gives it"
    return f"{same}, but:\n\n{table(['', 'class'], others)}" if others else f"{same}."


def threads_table(rows: Sequence[Row]) -> str:
    """Say how each peer uses the cores."""
    measured = {row["peer"] for row in rows}
    return table(["", "threads"], [[about.what, about.threads] for name, about in PEERS.items() if name in measured])


def machine_table(rows: Sequence[Row]) -> str:
    """Describe the machine of the last run."""
    if not rows:
        return NOTHING_YET
    last = max(rows, key=lambda row: str(row["run"]))
    found = last["machine"]
    lines = [
        ["Processor", f"{found['cpu']}, {found['cores']} cores"],
        ["Vector instructions", ", ".join(found["vectors"])],
        ["Memory", f"{found['memory_gigabytes']} GB"],
        ["Load when the run began", f"{found['load']:.2f}"],
        *[[f"`{name}`", value] for name, value in found["versions"].items()],
        ["Cores that other processes took, mean of the rounds", _others(rows, last["run"])],
        ["Begun", last["run"]],
        ["Commit", f"`{last['commit']}`"],
    ]
    return table(["", ""], lines)


def scale_table(scale: Sequence[Row]) -> str:
    """Say what a model costs each size of cluster, and the driver: by the last run of scripts/bench/scale."""
    head = ["executors", "load on the driver, s", "first label on each, s", "next label, s", "executor's CPU s, each"]
    head += ["driver's CPU s", "driver sent, copies", "driver's memory, MB more", "sessions"]
    lines = [
        [
            str(row["executors"]),
            f"{row['seconds_to_load']:.2f}",
            f"{row['seconds_to_first_labels']:.2f}",
            f"{row['seconds_of_next_labels']:.2f}",
            f"{row['executors_cpu_seconds'] / row['executors']:.2f}",
            f"{row['driver_cpu_seconds']:.2f}",
            f"{row['driver_sent_bytes'] / row['model_bytes']:.2f}" if "driver_sent_bytes" in row else "",
            f"{row['driver_megabytes_more_at_peak']:,}",
            str(row["sessions_opened"]),
        ]
        for row in last_scale(scale)
    ]
    return table(head, lines)


def last_scale(scale: Sequence[Row]) -> list[Row]:
    """Give the rows of the last run of scripts/bench/scale, by executors."""
    return sorted(last_run(scale), key=lambda row: int(row["executors"]))


def costs(rows: Sequence[Row], scale: Sequence[Row], workload: str) -> Costs | None:
    """Give what SparkVision costs at a workload, as far as it was measured."""
    found = [one for one in throughputs(rows, workload) if one.peer == "sparkvision"]
    starts = [row for row in last_scale(scale) if row["executors"] == 1]
    if not found or not starts:
        return None
    slots = newest(rows, workload, "warm")[0]["slots"]
    start = starts[0]["seconds_to_load"] + starts[0]["seconds_to_first_labels"]
    return Costs(slots / found[0].median, start, starts[0]["model_bytes"])


def cost_table(rows: Sequence[Row], scale: Sequence[Row]) -> str:
    """How long very many pictures take on very many executors."""
    lines = []
    for workload, what in README_COLUMNS.items():
        found = costs(rows, scale, workload)
        for pictures in JOBS if found else ():
            assert found is not None
            times = [duration(found.seconds(pictures, executors, CORES_AN_EXECUTOR)) for executors in CLUSTERS]
            core_hours = pictures * found.core_seconds_a_picture / 3600
            lines.append([f"{what}, {_grouped(pictures)}", f"{core_hours:,.0f}", *times])
    clusters = [f"{executors:,} executors" for executors in CLUSTERS]
    return table(["pictures", "core hours", *clusters], lines)


def start_share_table(rows: Sequence[Row], scale: Sequence[Row]) -> str:
    """Give the part of a job's time that goes before its first label."""
    found = costs(rows, scale, "vit-base-jpeg")
    if found is None:
        return NOTHING_YET
    lines = []
    for executors in CLUSTERS:
        start = found.seconds_to_start(executors)
        shares = [f"{start / found.seconds(pictures, executors, CORES_AN_EXECUTOR):.2%}" for pictures in JOBS]
        lines.append([f"{executors:,}", f"{start:.1f}", *shares])
    return table(["executors", "seconds to start", *(f"of {_grouped(pictures)}" for pictures in JOBS)], lines)


def page_tables(rows: Sequence[Row], scale: Sequence[Row]) -> Mapping[str, str]:
    """Give every table of docs/performance.md by the name of its marker; under some stands a plot of that name."""
    plotted = {
        **{name: workload_table(rows, name) for name in README_COLUMNS},
        "vit-tiny-batches": batches_table(rows, "vit-tiny-batches"),
        "vit-base-batches": batches_table(rows, "vit-base-batches"),
        "growth": growth_table(rows, GROWTH),
        "cold": cold_table(rows),
        "scale": scale_table(scale),
    }
    return {
        **{name: _with_plot(name, made) for name, made in plotted.items()},
        "vit-tiny-one-slot": workload_table(rows, "vit-tiny-one-slot"),
        "left-out": left_out_table(rows),
        "labels": labels_table(rows),
        "threads": threads_table(rows),
        "machine": machine_table(rows),
        "cost": cost_table(rows, scale),
        "start": start_share_table(rows, scale),
    }


def _with_plot(name: str, made: str) -> str:
    return made if made == NOTHING_YET else f"{made}\n\n![The same as a plot](performance/{name}.png)"


def number(value: float) -> str:
    """Write a speed with three figures that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Write a time in the unit that a person would."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _grouped(pictures: float) -> str:
    return f"{pictures:,.0f}"


def _others(rows: Sequence[Row], run: str) -> str:
    taken = [row["others_cores"] for row in rows if row["run"] == run and "others_cores" in row]
    return f"{statistics.mean(taken):.2f}" if taken else ""


def _ratio(one: Throughput) -> str:
    if one.peer == REFERENCE or one.ratio is None:
        return "1" if one.peer == REFERENCE else ""
    return f"{one.ratio:.2f}"


def _speed(one: Throughput | None) -> str:
    return number(one.median) if one else ""


def _median(values: Sequence[float] | None, form: str) -> str:
    return form.format(statistics.median(values), len(values)) if values else ""
