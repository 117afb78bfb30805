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
