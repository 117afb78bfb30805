"""Progress of long jobs, shown by rich or passed to a callable line by line, and silence for the libraries below."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TypeAlias

# True shows the progress on the terminal, False shows nothing, and a callable gets each line.
ProgressOption: TypeAlias = bool | Callable[[str], object]

# torch.jit logs a remark on every Python value that it traces, and torch.onnx on its TorchScript exporter. Both are
# known, and the comparison of the written graph with its source answers them.
_LOGGERS = dict.fromkeys(("optimum", "torch.onnx", "torch.jit", "transformers", "huggingface_hub"), logging.ERROR)
# Pillow logs why it cannot read an image, and raises an exception with the same text.
_LOGGERS["PIL"] = logging.CRITICAL


class StepProgress:
    """Report the numbered steps of a job, and how long each took.

    Parameters
    ----------
    steps : int
        The number of steps.
    progress : bool or callable taking str
        True shows the steps on standard output, with a spinner while a step runs in a terminal. False shows nothing.
        A callable gets each line.

    Examples
    --------
    >>> progress = StepProgress(2, print)
    >>> progress.note("labels: cat, dog")
          labels: cat, dog
    """

    def __init__(self, steps: int, progress: ProgressOption) -> None:
        from rich.console import Console

        self._steps = steps
        self._step = 0
        self._console = Console(soft_wrap=True, highlight=False, markup=False, quiet=progress is not True)
        self._write = progress if callable(progress) else self._console.print

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step, run the body, and report how long the body took."""
        self._step += 1
        self._write(f"[{self._step}/{self._steps}] {name}")
        start = time.monotonic()
        with self._console.status(""):
            yield
        self.note(f"done in {time.monotonic() - start:.1f} s")

    def note(self, text: str) -> None:
        """Report a fact about the current step."""
        self._write(f"      {text}")


@contextlib.contextmanager
def file_progress(files: int, progress: ProgressOption) -> Iterator[Callable[[], None]]:
    """Yield a function that is called after each file of a job.

    Parameters
    ----------
    files : int
        The number of files.
    progress : bool or callable taking str
        True shows a bar on standard error, which disappears at the end, and nothing if standard error is a log file.
        False shows nothing. A callable gets a line after each file.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    # In a log file rich would write an empty line in the place of the bar.
    console.quiet = progress is not True or not (console.is_interactive or console.is_jupyter)
    columns = (TextColumn("files"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=files)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            bar.advance(task)
            if callable(progress):
                progress(f"{done} of {files} files compared")

        yield advance


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide warnings, and the log messages below errors, of the libraries for models, and all messages of Pillow.

    Examples
    --------
    >>> with quiet():
    ...     warnings.warn("not seen")
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    # The quantiser logs to the root logger. Without a handler there, logging would be set up for the whole process.
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    try:
        for logger, level in zip(loggers, _LOGGERS.values(), strict=True):
            logger.setLevel(level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeHandler(silent)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
