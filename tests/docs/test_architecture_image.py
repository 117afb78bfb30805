"""The architecture image is drawn from its text, and is valid XML without anything to load."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import draw_architecture


def test_the_image_is_current() -> None:
    text = draw_architecture.SOURCE.read_text(encoding="utf-8")
    drawn = draw_architecture.draw(draw_architecture.read_boxes(text))
    current = draw_architecture.TARGET.read_text(encoding="utf-8")
    assert drawn == current, "run scripts/draw_architecture.py"


def test_the_image_loads_nothing() -> None:
    root = ElementTree.fromstring(draw_architecture.TARGET.read_text(encoding="utf-8"))
    assert {re.sub(r"\{.*\}", "", element.tag) for element in root.iter()} == {"svg", "rect", "path", "text"}


def test_a_line_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no heading, step or module: 'stage image"):
        draw_architecture.read_boxes("heading | Modules\nstage image | Decode | RGB")
