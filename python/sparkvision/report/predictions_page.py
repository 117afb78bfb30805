"""The page of predictions: one HTML file that loads nothing, and in which no other script than its own runs."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from sparkvision.report.collection import Collection
from sparkvision.report.labelled_image import LabelledImage, reason
from sparkvision.report.summary import Summary
from sparkvision.report.template import json_data, render, script
from sparkvision.report.thumbnail import data_uri

# Thumbnails of 10,000 photos take about 25 MB. Noise takes more, and browsers are slow with pages of hundreds of MB.
THUMBNAIL_BYTES = 32 * 2**20


def predictions_page(
    collection: Collection,
    title: str,
    timings: Sequence[Mapping[str, Any]] = (),
    heat_maps: Sequence[bytes | None] = (),
) -> str:
    """Return the page.

    Parameters
    ----------
    collection : Collection
        The images to show, and the counts of all images.
    title : str
        The heading.
    timings : sequence of mappings
        Rows of `sparkvision.metrics`.
    heat_maps : sequence of bytes or None
        Heat maps of the first images.
    """
    summary = Summary.of(collection.counts)
    reasons = {name for name, _ in summary.reasons} | {reason(image.error) for image in collection.images}
    data = {
        "title": title,
        "total": collection.total,
        "choice": collection.choice,
        "summary": asdict(summary),
        "examples": {name: error for name, error in collection.examples.items() if name in reasons},
        "timings": list(timings),
        "images": _images(collection.images, heat_maps),
    }
    code = script("predictions.js")
    return render(
        "predictions.html",
        title=title,
        data=json_data(data),
        script=code,
        script_hash=b64encode(sha256(code.encode("utf-8")).digest()).decode("ascii"),
    )


def _images(images: Sequence[LabelledImage], heat_maps: Sequence[bytes | None]) -> list[dict[str, Any]]:
    left = THUMBNAIL_BYTES
    rows = []
    for image, heat_map in zip_longest(images, heat_maps):
        left -= len(image.content or b"")
        row = {
            "path": image.path,
            "scores": [(label, score if math.isfinite(score) else None) for label, score in image.scores],
            "error": image.error,
            "reason": reason(image.error),
            "truth": image.truth,
            "thumbnail": data_uri(image.content) if image.content and left >= 0 else None,
            "heatMap": data_uri(heat_map) if heat_map else None,
        }
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows
