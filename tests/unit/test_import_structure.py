"""The structure of the Python sources: no import cycles, no large folders, and a package that is imported quickly."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.conftest import ROOT

import sparkvision

PACKAGE = ROOT / "python" / "sparkvision"
LARGEST_FOLDER = 20
# Names that make a file of a folder a source file. The Scala folders have their own rule in PackageDependencySuite.
SOURCES = ("*.py", "*.java", "*.sh")

Graph = Mapping[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package by its name; a package is named like its folder."""
    found = {}
    for file in package.rglob("*.py"):
        parts = file.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    """The known modules that a module imports anywhere: in functions and for TYPE_CHECKING too.

    Imports for TYPE_CHECKING count, because a module that needs the types of another cannot be understood without it.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None and node.level == 0, "an import names the whole module, not a relative one"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                if module in known:
                    yield module
                elif node.module is not None and node.module in known:
                    yield node.module


def import_graph(package: Path) -> Graph:
    """Which module of a package imports which others.

    The strings that the facade `sparkvision/__init__.py` gives to `import_module` are no imports of the facade, but its
    imports for TYPE_CHECKING name the same modules.
    """
    known = modules(package)
    return {name: set(imported(file.read_text(), known)) - {name} for name, file in known.items()}


def cycle(graph: Graph) -> list[str] | None:
    """One cycle of a graph, from a module back to itself; None if there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str] | None:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return None
        for other in sorted(graph[module]):
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return None

    return next((found for module in sorted(graph) if (found := visit(module, []))), None)


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = cycle(import_graph(PACKAGE))
    assert found is None, f"an import cycle: {' -> '.join(found or [])}"


def test_a_cycle_by_an_import_inside_a_function_is_found(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cart.py").write_text("from shop import price\n")
    (package / "price.py").write_text("def total():\n    from shop.cart import items\n    return items\n")
    assert cycle(import_graph(package)) == ["shop.cart", "shop.price", "shop.cart"]


@pytest.mark.parametrize("top", ["python/sparkvision", "scripts", "tests"])
def test_no_folder_holds_too_many_source_files(top: str) -> None:
    folders = [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]
    counts = {str(folder.relative_to(ROOT)): sum(len([*folder.glob(kind)]) for kind in SOURCES) for folder in folders}
    large = {folder: count for folder, count in counts.items() if count > LARGEST_FOLDER}
    assert not large, f"more than {LARGEST_FOLDER} source files: {large}"


def test_import_sparkvision_imports_no_heavy_library() -> None:
    code = "import sys, sparkvision; print({'torch', 'transformers', 'pyspark', 'py4j'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_star_import_leaves_the_display_of_ipython_alone() -> None:
    names: dict[str, object] = {}
    exec("from sparkvision import *", names)
    assert "display" not in names and "start" in names
    assert callable(sparkvision.display)
