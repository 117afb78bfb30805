"""Runs the code blocks of pages in order, in one Python, and compares what they print with the block `text` after them.

Usage: run_pages.py PAGE..., in the folder where the pages' relative paths are to be found. Of the blocks `sh` the lines
that call `sparkvision` are run; the others install things. A folder here stands in for HDFS, and no cluster is called.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from sparkvision import cli

HDFS = "hdfs:///models"
CLUSTER = "spark://host"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def main() -> None:
    """Run the pages; an exception ends it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for page in sys.argv[1:]:
        printed, blocks = "", 0
        for language, code in BLOCK.findall(Path(page).read_text().replace(HDFS, Path("models").absolute().as_uri())):
            if language == "text":
                assert printed.strip() == code.strip(), f"{page} says\n{code}\nbut it is\n{printed}"
                continue
            output = io.StringIO()
            with redirect_stdout(output):
                if language == "python":
                    exec(compile(code, page, "exec"), names)
                elif language == "sh":
                    run_commands(code)
            printed, blocks = output.getvalue(), blocks + 1
        print(f"{Path(page).name}: {blocks} blocks")


def run_commands(code: str) -> None:
    """Run the command line's commands among a block's lines, in this process, which has imported torch then."""
    for line in code.splitlines():
        if line.startswith("sparkvision ") and CLUSTER not in line:
            status = cli.main(shlex.split(line, comments=True)[1:])
            assert status == 0, f"`{line}` ended with {status}"


if __name__ == "__main__":
    main()
