"""Write the Python stages and docs/parameters.md from Scala's ParamManifest, or check that they are up to date.

Usage: gen_python.py [--check]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from python_stages.manifest import read_manifest
from python_stages.modules import modules
from python_stages.parameters_page import parameters_page

ROOT = Path(__file__).resolve().parent.parent
SHARED_PARAMS = ROOT / "python" / "sparkvision" / "_spark" / "shared_params.py"
STAGES = ROOT / "python" / "sparkvision" / "ml.py"
PAGE = ROOT / "docs" / "parameters.md"


def formatted(source: str) -> str:
    """Format as `ruff format` does, and remove the imports that are not used."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "module.py"
        file.write_text(source)
        config = ["--quiet", "--config", str(ROOT / "pyproject.toml"), str(file)]
        subprocess.run([sys.executable, "-m", "ruff", "check", "--fix", "--select", "F401", *config], check=True)
        subprocess.run([sys.executable, "-m", "ruff", "format", *config], check=True)
        return file.read_text()


def main() -> int:
    """Write or check; 1 when a committed file is stale."""
    manifest = read_manifest()
    shared_params, stages = modules(manifest)
    generated = {
        SHARED_PARAMS: formatted(shared_params),
        STAGES: formatted(stages),
        PAGE: parameters_page(manifest),
    }
    if sys.argv[1:] == ["--check"]:
        stale = [str(file.relative_to(ROOT)) for file, text in generated.items() if file.read_text() != text]
        if stale:
            print(f"{' and '.join(stale)}: stale; run scripts/gen_python.py and commit.", file=sys.stderr)
            return 1
        print("The generated files are what the ParamManifest says.")
        return 0
    for file, text in generated.items():
        file.write_text(text)
        print(f"wrote {file.relative_to(ROOT)}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
