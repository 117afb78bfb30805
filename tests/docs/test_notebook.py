"""The example notebook runs from beginning to end, and gives what it shows where it is read."""

from __future__ import annotations

from typing import Any

import nbformat
from tests.docs.run_notebook import NOTEBOOK, run


def outputs(notebook: Any) -> list[list[Any]]:
    return [cell["outputs"] for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook: Any) -> list[str]:
    """Return what each cell has printed."""
    return ["".join(o["text"] for o in cell if o.get("name") == "stdout") for cell in outputs(notebook)]


def shown(notebook: Any) -> list[int]:
    """Return the number of images that each cell shows."""
    html = ["".join(o.get("data", {}).get("text/html", "") for o in cell) for cell in outputs(notebook)]
    return [text.count("data:image/jpeg;base64,") for text in html]


def test_the_notebook_gives_what_is_committed() -> None:
    committed: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    found = run(nbformat.read(NOTEBOOK, as_version=4))  # type: ignore[no-untyped-call]
    assert printed(found) == printed(committed) and any(printed(found))
    assert shown(found) == shown(committed) and sum(shown(found)) == 18
