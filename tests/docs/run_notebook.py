"""Runs the example notebook and stores its outputs, without the paths of this machine and the log of Spark."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"


def main() -> None:
    """Run it in place."""
    import nbformat

    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.write(anywhere(run(notebook)), NOTEBOOK)  # type: ignore[no-untyped-call]


def run(notebook: Any) -> Any:
    """Run all cells, in the notebook's folder; the first error ends it."""
    from nbclient import NotebookClient

    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
    return notebook


def anywhere(notebook: Any) -> Any:
    """Drop what programs log, and say for the folders of this machine what they are."""
    for cell in notebook.cells:
        outputs = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
        for output in outputs:
            for kind, text in output.get("data", {}).items():
                output["data"][kind] = _without_folders(text)
        if cell.cell_type == "code":
            cell["outputs"] = outputs
    return notebook


def _without_folders(text: str) -> str:
    temporary = re.escape(tempfile.gettempdir())
    return re.sub(rf"{temporary}/tmp\w+", "/tmp/bad", text.replace(str(ROOT), "/sparkvision"))


if __name__ == "__main__":
    main()
