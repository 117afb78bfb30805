"""Numbered, timed steps of a long job, told line by line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """Tell which step of how many is being worked on, and how long each took.

    Parameters
    ----------
    steps : int
        How many steps there will be.
    write : callable taking str, or None
        Gets every line, for example `print`; None keeps silent.

    Examples
    --------
    >>> progress = Progress(2, print)
    >>> progress.note("labels: cat, dog")
          labels: cat, dog
    """

    def __init__(self, steps: int, write: Callable[[str], None] | None) -> None:
        self._steps = steps
        self._write = write
        self._step = 0

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Announce a step, run the body, and tell how long it took."""
        self._step += 1
        self._tell(f"[{self._step}/{self._steps}] {what}")
        start = time.monotonic()
        yield
        self.note(f"done in {time.monotonic() - start:.1f} s")

    def note(self, text: str) -> None:
        """Tell something about the step at hand."""
        self._tell(f"      {text}")

    def _tell(self, line: str) -> None:
        if self._write is not None:
            self._write(line)
