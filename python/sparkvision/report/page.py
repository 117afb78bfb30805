"""The report as one HTML file that stands alone: nothing is loaded from elsewhere, and only our own script runs."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import zip_longest
from string import Template
from typing import TYPE_CHECKING, Any

from sparkvision.report.picture import LabelledPicture, reason
from sparkvision.report.summary import Summary
from sparkvision.report.thumbnail import data_uri

if TYPE_CHECKING:  # it needs pyspark, and `sparkvision verify` shares this page's style without
    from sparkvision.report.collection import Collection

# Thumbnails of 10,000 photos come to some 25 MB; noise needs more, and browsers like no page of hundreds of MB.
THUMBNAIL_BYTES = 32 * 2**20

_HERE = "sparkvision.report"


def render(
    collection: Collection,
    title: str,
    timings: Sequence[Mapping[str, Any]] = (),
    heat_maps: Sequence[bytes | None] = (),
) -> str:
    """Give the page.

    Parameters
    ----------
    collection : Collection
        The pictures to show, and the counts of all.
    title : str
        Its heading.
    timings : sequence of mappings
        Rows of `sparkvision.metrics`.
    heat_maps : sequence of bytes or None
        What the model looked at in the first pictures.
    """
    script = _read(_HERE, "page.js")
    summary = Summary.of(collection.counts)
    reasons = {name for name, _ in summary.reasons} | {reason(picture.error) for picture in collection.pictures}
    data = {
        "title": title,
        "total": collection.total,
        "choice": collection.choice,
        "summary": asdict(summary),
        "examples": {name: error for name, error in collection.examples.items() if name in reasons},
        "timings": list(timings),
        "pictures": _pictures(collection.pictures, heat_maps),
    }
    return Template(_read(_HERE, "page.html")).substitute(
        # Labels and paths are untrusted: even where one found a way to become an element, the browser would run nothing
        # but this script, and load nothing.
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_hash(script)}'",
        title=escape(title),
        style=style(_HERE),
        data=_json(data),
        script=script,
    )


def style(package: str) -> str:
    """Give the style that all our pages share, and a page's own from its package."""
    return _read(_HERE, "style.css") + _read(package, "page.css")


def _pictures(pictures: Sequence[LabelledPicture], heat_maps: Sequence[bytes | None]) -> list[dict[str, Any]]:
    left = THUMBNAIL_BYTES
    rows = []
    for picture, heat_map in zip_longest(pictures, heat_maps):
        left -= len(picture.content or b"")
        row = {
            "path": picture.path,
            "scores": [(label, score if math.isfinite(score) else None) for label, score in picture.scores],
            "error": picture.error,
            "reason": reason(picture.error),
            "truth": picture.truth,
            "thumbnail": data_uri(picture.content) if picture.content and left >= 0 else None,
            "heatMap": data_uri(heat_map) if heat_map else None,
        }
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def _json(value: object) -> str:
    """Give JSON that cannot end the element it stands in: ``<`` occurs in strings only, where it may be escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _hash(script: str) -> str:
    return b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")


def _read(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")
