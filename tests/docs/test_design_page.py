"""docs/design.md lists the packages that PackageDependencySuite checks, in the same order."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
(SUITE,) = (ROOT / "jvm" / "image" / "src" / "test").rglob("PackageDependencySuite.scala")


def test_the_table_lists_the_packages_in_the_order_of_the_suite() -> None:
    rows = [line.split("|")[2] for line in PAGE.splitlines() if line.startswith("|")]
    listed = [name for row in rows for name in re.findall(r"`((?:sparkvision|org\.apache)\.[\w.]+)`", row)]
    suite = SUITE.read_text(encoding="utf-8")
    constants = dict(re.findall(r"val (\w+) = \"([\w.]+)\"", suite))
    entries = re.findall(r"\"(?:image|engine|spark)\" -> (?:\"([\w.]+)\"|(\w+))", suite)
    assert listed == [name or constants[constant] for name, constant in entries]
