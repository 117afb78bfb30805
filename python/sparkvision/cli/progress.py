"""Progress on stderr, by rich: of a Spark job, of a loop over images, and of work that reports its state as text."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL_SECONDS = 0.5
# A log file gets a line this often; a terminal has one line that is replaced.
_LOG_SECONDS = 10.0


def run_with_progress(spark: SparkSession, stage: str, total: int, job: Callable[[], Result]) -> Result:
    """Run a Spark job and show how many images its stage has seen, as finished tasks report it.

    Parameters
    ----------
    spark : SparkSession
        The session.
    stage : str
        The stage's uid, as in `sparkvision.metrics`.
    total : int
        The number of images.
    job : callable
        Runs the job and returns its result.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.1f} images/s"),
        TextColumn("{task.fields[unusable]} unusable"),
        TimeRemainingColumn(),
    )
    done = threading.Event()
    start = time.monotonic()
    with _interruptible(Progress(*columns, console=Console(stderr=True))) as progress:
        task = progress.add_task("images", total=total, speed=0.0, unusable=0)

        def show() -> None:
            images, unusable = _counts(spark, stage)
            speed = images / (time.monotonic() - start)
            progress.update(task, completed=min(images, total), speed=speed, unusable=unusable)

        def poll() -> None:
            while not done.wait(_POLL_SECONDS):
                show()

        poller = threading.Thread(target=poll, daemon=True)
        poller.start()
        try:
            result = job()
        finally:
            done.set()
            poller.join()
        show()
    return result


def batches_with_progress(items: Sequence[Item], size: int, description: str) -> Generator[Sequence[Item], None, None]:
    """Yield the items in batches and show a bar, which disappears at the end.

    No bar is shown for a single batch, and none where stderr is not a terminal.
    """
    console = Console(stderr=True)
    hidden = len(items) <= size or not console.is_terminal
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=hidden,
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=len(items))
        for start in range(0, len(items), size):
            batch = items[start : start + size]
            yield batch
            bar.advance(task, len(batch))


class StatusLine:
    """Shows the newest of many texts: on one line of a terminal, or now and then as a line of a log.

    Parameters
    ----------
    console : Console, optional
        Where the texts are shown. Default: stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._next = time.monotonic() + _LOG_SECONDS

    def __enter__(self) -> StatusLine:
        """Show texts until the end of the block."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the line from the terminal."""
        self._live.stop()

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        if self._console.is_terminal:
            self._live.update(Text(text, no_wrap=True), refresh=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOG_SECONDS
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _interruptible(progress: Progress) -> Iterator[Progress]:
    """Start a bar, and remove it after Ctrl-C: a bar that no longer moves is of no use."""
    with progress:
        try:
            yield progress
        except KeyboardInterrupt:
            progress.live.transient = True
            progress.live.stop()
            # Where stderr is not a terminal, rich would end the bar with an empty line.
            progress.console.quiet = True
            raise


def _counts(spark: SparkSession, stage: str) -> tuple[int, int]:
    from sparkvision._spark.metrics import metrics

    rows = metrics(spark).where(f"stage = '{stage}'").select("images", "unusable").collect()
    return sum(row.images for row in rows), sum(row.unusable for row in rows)
