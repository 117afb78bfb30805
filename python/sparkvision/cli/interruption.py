"""Ctrl-C and SIGTERM: the JVMs that the command has started end first, then its own clean-up runs without output."""

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

# A JVM waits for its native runs for 8 s (NativeRuns.scala), and Spark's hooks need 1 or 2 s. Then it is killed.
_END_SECONDS = 12.0
_KILL_SECONDS = 2.0
_POLL_SECONDS = 0.05


def run(work: Callable[[], None]) -> int | None:
    """Do the work of a command, and end it at a signal.

    Parameters
    ----------
    work : callable
        The work. Its ``finally`` clauses and the ends of its ``with`` blocks run after a signal too; all processes that
        it started have ended by then.

    Returns
    -------
    int or None
        The number of the signal that ended the work, or None.
    """
    signals = _Signals()
    try:
        with signals:
            work()
    except BaseException as error:
        # An error after a signal is a consequence of the signal, for instance a call to a JVM that has ended.
        if signals.received is None:
            if not isinstance(error, KeyboardInterrupt):
                raise
            signals.end_started(signal.SIGINT)  # raised by the handler that pyspark installs while Spark starts
    return signals.received


class _Signals:
    """The signal handlers during a ``with`` block."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._others = _descendants()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():  # only this thread receives signals
            return
        for number in _SIGNALS:
            # A shell starts background jobs with SIGINT ignored: Ctrl-C is then meant for another job. None stands for
            # a handler that was not installed from Python.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        # After a signal, further signals stay ignored until the process has ended.
        if self.received is None:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.end_started(number)
        raise KeyboardInterrupt

    def end_started(self, number: int) -> None:
        """End the processes that were started in the block, so that none of them writes files during the clean-up."""
        self.received = number
        if threading.current_thread() is threading.main_thread():
            for each in _SIGNALS:  # a second Ctrl-C would stop the clean-up, which takes seconds only
                signal.signal(each, signal.SIG_IGN)
        _be_quiet()
        _end(_descendants() - self._others)


def _be_quiet() -> None:
    """Print no errors about the JVM that has ended: calls that wait for its answer, objects that it held."""
    logging.disable(logging.CRITICAL)  # py4j's
    warnings.simplefilter("ignore")
    threading.excepthook = lambda _: None
    sys.unraisablehook = lambda _: None


def _end(processes: set[int]) -> None:
    """End processes by SIGTERM, so that a JVM runs its shutdown hooks; kill those that do not end in time."""
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
    """Return this process's children, their children, and so on; nothing on systems without /proc.

    Children alone would not do: pyspark's child is a shell that runs another JVM before it becomes Spark's JVM.
    """
    parents = _processes()
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _processes() -> dict[int, int]:
    """Return every process and its parent."""
    stats = {int(folder.name): _stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    return {process: stat[1] for process, stat in stats.items() if stat is not None}


def _is_running(process: int) -> bool:
    stat = _stat(process)
    return stat is not None and stat[0] not in ("Z", "X")


def _stat(process: int) -> tuple[str, int] | None:
    """Return the state and the parent of a process; None if it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name of the program, in parentheses, may contain any character.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)
