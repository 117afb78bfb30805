"""The Jinja2 templates of all pages. Every value that a template shows is escaped."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_PACKAGE = "sparkvision.report"


def render(template: str, **values: object) -> str:
    """Render a template of the folder ``templates``."""
    return _environment().get_template(template).render(**values)


def script(name: str) -> Markup:
    """Read a script of the folder ``templates``, to be put into a page as it is."""
    return Markup((files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8"))


def json_data(value: object) -> Markup:
    """Return JSON for a ``<script>`` element.

    The JSON cannot end the element: ``<`` occurs only in its strings, where it is escaped.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


@cache
def _environment() -> Environment:
    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    return Environment(loader=PackageLoader(_PACKAGE), autoescape=True, **options)
