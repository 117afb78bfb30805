"""A Spark job with a progress bar: pictures, pictures a second, unusable ones, and the time that is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Result = TypeVar("Result")

_POLL_SECONDS = 0.5


def run_with_progress(spark: SparkSession, stage: str, total: int, job: Callable[[], Result]) -> Result:
    """Run a job, and show on stderr what its stage has done, as finished tasks report it.

    Parameters
    ----------
    spark : SparkSession
        The session.
    stage : str
        The stage's uid, as in `sparkvision.metrics`.
    total : int
        How many pictures there are.
    job : callable
        Runs the job, and returns its result.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.1f} pictures/s"),
        TextColumn("{task.fields[unusable]} unusable"),
        TimeRemainingColumn(),
    )
    done = threading.Event()
    start = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("pictures", total=total, speed=0.0, unusable=0)

        def show() -> None:
            pictures, unusable = _done(spark, stage)
            speed = pictures / (time.monotonic() - start)
            progress.update(task, completed=min(pictures, total), speed=speed, unusable=unusable)

        def poll() -> None:
            while not done.wait(_POLL_SECONDS):
                show()

        poller = threading.Thread(target=poll, daemon=True)
        poller.start()
        try:
            result = job()
        except KeyboardInterrupt:
            # A bar that stands still tells nothing; where there is no terminal, rich would end it with an empty line.
            progress.live.transient = True
            progress.live.stop()
            progress.console.quiet = True
            raise
        finally:
            done.set()
            poller.join()
        show()
    return result


def _done(spark: SparkSession, stage: str) -> tuple[int, int]:
    from sparkvision._spark.metrics import metrics

    rows = metrics(spark).where(f"stage = '{stage}'").select("pictures", "unusable").collect()
    return sum(row.pictures for row in rows), sum(row.unusable for row in rows)
