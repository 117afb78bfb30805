"""Progress of commands on stderr."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sparkvision.cli.progress import StatusLine, batches_with_progress

ERASE_LINE = "\x1b[2K"


def test_a_terminal_has_one_status_line_that_is_replaced_and_removed() -> None:
    terminal = io.StringIO()
    with StatusLine(Console(file=terminal, force_terminal=True, width=80)) as line:
        line.show("1 of 2 files compared")
        line.show("2 of 2 files compared")
    written = terminal.getvalue()
    assert written.index("1 of 2") < written.index(ERASE_LINE) < written.index("2 of 2") < written.rindex(ERASE_LINE)
    assert written.count("\n") == 1  # the cursor goes back up before the last line is erased


def test_a_log_gets_a_status_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("sparkvision.cli.progress.time.monotonic", lambda: now)
    log = io.StringIO()
    with StatusLine(Console(file=log)) as line:
        for now in (1.0, 9.0, 11.0, 12.0, 22.0):
            line.show(f"after {now:g} s")
    assert log.getvalue() == "after 11 s\nafter 22 s\n"


def test_items_come_in_batches_in_their_order() -> None:
    assert list(batches_with_progress([1, 2, 3, 4, 5], 2, "adding")) == [[1, 2], [3, 4], [5]]
