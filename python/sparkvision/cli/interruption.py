"""Ctrl-C and SIGTERM: first the JVMs that the command has started end, then its own clean-up runs, quietly."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

# A JVM awaits its native runs for 8 s (NativeRuns.scala), and Spark's own hooks need one or two. Then it is killed.
_END_SECONDS = 12.0
_KILL_SECONDS = 2.0
_POLL_SECONDS = 0.05


def run(work: Callable[[], None]) -> int | None:
    """Do a command's work; end it at a signal.

    Parameters
    ----------
    work : callable
        The work. What it leaves in a ``finally`` or at the end of a ``with`` block is done also after a signal: no
        process that it started runs any more then.

    Returns
    -------
    int or None
        The number of the signal that ended it; None when none came.
    """
    signals = _Signals()
    try:
        with signals:
            work()
    except BaseException as error:
        # Whatever follows a signal is its consequence: calls to a JVM that is gone, for instance.
        if signals.received is None:
            if not isinstance(error, KeyboardInterrupt):
                raise
            signals.end_started(signal.SIGINT)  # raised by another handler, pyspark's while Spark starts
    return signals.received


class _Signals:
    """The handlers of the signals in a ``with`` block, and what they do."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._others = _descendants()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():  # Python knows signals there only
            return
        for number in _SIGNALS:
            # A shell starts a job in the background with SIGINT ignored: Ctrl-C is then meant for another job. None
            # stands for a handler that was not installed from Python.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        # After a signal they stay ignored, until the process has ended.
        if self.received is None:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.end_started(number)
        raise KeyboardInterrupt

    def end_started(self, number: int) -> None:
        """End what was started in the block: the clean-up that follows is to find nobody who still writes files."""
        self.received = number
        if threading.current_thread() is threading.main_thread():
            for each in _SIGNALS:  # a second Ctrl-C would break off the clean-up, which has an end anyway
                signal.signal(each, signal.SIG_IGN)
        _be_quiet()
        _end(_descendants() - self._others)


def _be_quiet() -> None:
    """Tell nothing of what breaks because the JVM is gone: calls that wait for its answer, objects that it held."""
    logging.disable(logging.CRITICAL)  # py4j's
    warnings.simplefilter("ignore")
    threading.excepthook = lambda _: None
    sys.unraisablehook = lambda _: None


def _end(processes: set[int]) -> None:
    """End processes in order: a JVM runs its shutdown hooks. Kill those that do not end in time."""
    for number, seconds in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        for process in filter(_is_running, processes):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        while any(map(_is_running, processes)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _descendants() -> set[int]:
    """Give this process's children, their children, and so on; none where there is no /proc.

    Before it becomes Spark's JVM, pyspark's child is a shell that runs another JVM.
    """
    parents = _processes()
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _processes() -> dict[int, int]:
    """Give every process and its parent."""
    stats = {int(folder.name): _stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    return {process: stat[1] for process, stat in stats.items() if stat is not None}


def _is_running(process: int) -> bool:
    stat = _stat(process)
    return stat is not None and stat[0] not in ("Z", "X")


def _stat(process: int) -> tuple[str, int] | None:
    """Give a process's state and parent; None when it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name of the program, in parentheses, may hold anything.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)
