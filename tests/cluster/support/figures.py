"""What the scenarios' figures must be, and the table of them in docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.support.workload import Figures

BEGIN = "<!-- figures: written by scripts/soak --write-page -->"
END = "<!-- end of figures -->"

NEVER = {
    "rows_lost": "rows were lost",
    "rows_duplicated": "rows came twice",
    "rows_with_another_answer": "rows have another answer than in an undisturbed job",
    "rows_lost_duplicated_or_changed": "rows were lost, came twice or have another answer",
    "sessions_left_open": "sessions stayed open",
    "copies_left": "copies of models stayed on disk",
    "jvm_crashes": "crashes of the JVM",
}
MEMORY_GROWTH_PERCENT = 3.0


def shortfalls(figures: Mapping[str, Any]) -> list[str]:
    """Say what is not as promised.

    Parameters
    ----------
    figures
        Of one run of a scenario; those that it does not have are of no concern.
    """
    missed = [f"{figures[name]} {what}" for name, what in NEVER.items() if figures.get(name, 0)]
    if (growth := figures.get("growth_percent", 0.0)) > MEMORY_GROWTH_PERCENT:
        missed.append(f"memory grew by {growth} %, more than {MEMORY_GROWTH_PERCENT} %")
    if "model_megabytes" in figures:
        held = figures["megabytes_after"] - figures["megabytes_before"]
        if held > figures["model_megabytes"] / 2:
            missed.append(f"{held} MB of a model of {figures['model_megabytes']} MB were not given back")
    if "executors" in figures and figures["sessions_opened"] != figures["executors"]:
        missed.append(f"{figures['sessions_opened']} sessions were opened by {figures['executors']} executors")
    return missed


def table(runs: list[Figures]) -> str:
    """Return the figures of all runs as a Markdown table."""

    def total(name: str) -> int:
        return sum(run.get(name, 0) for run in runs)

    memory = [run for run in runs if "growth_percent" in run]
    large = [run for run in runs if run["scenario"] == "large-model"]
    cancelled = [run for run in runs if run["scenario"] == "tasks-cancelled"]
    fuzz_mutations = sum(sum(run["mutations"].values()) for run in runs if "mutations" in run)
    lines = [
        ("Executors killed in the middle of a job", total("executors_killed")),
        ("Drivers killed in the middle of a job, and started again", total("drivers_killed")),
        ("Jobs cancelled / tasks killed by that", f"{total('jobs_cancelled'):,} / {total('tasks_killed'):,}"),
        ("Tasks overtaken by their speculative copies", total("tasks_overtaken")),
        ("Copies of models damaged or deleted on executors' disks", total("copies_damaged")),
        ("Rows in disturbed jobs", total("rows")),
        ("Rows lost", total("rows_lost")),
        ("Rows duplicated", total("rows_duplicated")),
        ("Rows with another answer than undisturbed", total("rows_with_another_answer")),
        ("Sessions left open", total("sessions_left_open")),
        ("Files fuzzed (single mutations)", f"{total('files_fuzzed'):,} ({fuzz_mutations:,})"),
        ("... of which decoded / refused with a reason", f"{total('decoded'):,} / {total('refused'):,}"),
        ("Crashes of the JVM", total("jvm_crashes")),
    ]
    for run in memory:
        what = f"Growth of an executor's memory after warm-up, {run['images']:,} images"
        values = f"{run['megabytes_after_warm_up']} to {run['megabytes_at_end']} MB"
        lines.append((what, f"{run['growth_percent']} % ({values})"))
    for run in cancelled[-1:]:
        states = ("megabytes_before", "megabytes_with_open_session", "megabytes_after")
        what = f"Executor's memory before / in / after cancelled jobs, model of {run['model_megabytes']} MB"
        lines.append((what, " / ".join(f"{run[state]:,} MB" for state in states)))
    for run in large[-1:]:
        what = f"Model of {run['model_bytes'] / 1e9:.2f} GB to {run['executors']} executors: sessions opened"
        lines.append((what, f"{run['sessions_opened']} (in {run['seconds_to_distribute_and_label']} s)"))
    rows = [f"| {what} | {value:,} |" if isinstance(value, int) else f"| {what} | {value} |" for what, value in lines]
    return "\n".join(["| | |", "|---|---|", *rows])


def page_with(figures: str, page: str) -> str:
    """Return the page with its block of figures exchanged."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def write_page(record: Path, page: Path) -> None:
    """Write the figures of the recorded runs into the page."""
    runs = [json.loads(line) for line in record.read_text().splitlines()]
    page.write_text(page_with(table(runs), page.read_text()))
