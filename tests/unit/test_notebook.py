"""The example notebook runs from beginning to end, and says what it says where it is read."""

from __future__ import annotations

from typing import Any

import nbformat
from nbclient import NotebookClient
from tests.conftest import ROOT

NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"


def printed(notebook: Any) -> list[str]:
    """Give what each cell has printed."""
    return [
        "".join(output["text"] for output in cell["outputs"] if output.get("name") == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def shown(notebook: Any) -> list[int]:
    """Give the number of pictures that each cell shows."""
    outputs = [cell["outputs"] for cell in notebook.cells if cell.cell_type == "code"]
    html = ["".join(output.get("data", {}).get("text/html", "") for output in cell) for cell in outputs]
    return [text.count("data:image/jpeg;base64,") for text in html]


def test_the_notebook_gives_what_is_committed() -> None:
    committed: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert printed(notebook) == printed(committed) and any(printed(notebook))
    assert shown(notebook) == shown(committed) and sum(shown(notebook)) == 16
