"""The files of a verification: a page for readers, one HTML file that loads nothing, and the data as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparkvision.errors import ParameterError
from sparkvision.report.page_file import prepare_file, write_whole
from sparkvision.report.thumbnail import data_uri, thumbnail
from sparkvision.verify.summary import difference, displayed, facts, levels, scored, verdict
from sparkvision.verify.verify_report import ImageDifference, Refusal, VerifyReport

# The most images, and the most refusals of each kind, on the page. A thumbnail takes about 4 kB, a page at most 2 MB.
MOST_ROWS = 500


def write_verify_report(report: VerifyReport, path: str | Path) -> Path:
    """Write the page of a verification, and its data as JSON beside the page.

    Parameters
    ----------
    report : VerifyReport
        The result of `sparkvision.verify.verify`.
    path : str or Path
        The HTML file. The JSON file has the same name with the ending ``.json``. Existing files are replaced, and a
        missing folder is created.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    ParameterError
        If the path is a folder, ends in ``.json``, or cannot be written.

    Examples
    --------
    >>> write_verify_report(verify("my-vit", "my-checkpoint", "photos"), "verify-report/report.html")
    PosixPath('verify-report/report.html')
    """
    file = prepare_file(path)
    if file.suffix == ".json":
        raise ParameterError(f"{file} ends in .json, as the data beside the page does; give a name that ends in .html")
    write_whole(file.with_suffix(".json"), json.dumps(report.to_json(), indent=2) + "\n")
    write_whole(file, verify_page(report))
    return file


def verify_page(report: VerifyReport) -> str:
    """Return the page; thumbnails are made from the folder of images.

    Parameters
    ----------
    report : VerifyReport
        Its worst `MOST_ROWS` images are shown, and as many refusals of each kind.
    """
    from sparkvision.report.template import render

    return render(
        "verification.html",
        passed=report.passed,
        bundle=displayed(report.bundle),
        verdict=displayed(verdict(report)),
        tiles=_tiles(report),
        most_rows=MOST_ROWS,
        images=[_image(report, found) for found in report.differences[:MOST_ROWS]],
        images_compared=len(report.differences),
        refused_by_one=[_refusal(refusal) for refusal in report.refused_by_one],
        refused_by_both=[_refusal(refusal) for refusal in report.refused_by_both],
        facts=[(name, displayed(text)) for name, text in facts(report)],
    )


def _tiles(report: VerifyReport) -> list[tuple[str, str]]:
    compared = len(report.differences)
    same_top = (f"{report.same_top:,} of {compared:,}", "images with the same top label")
    return [
        (difference(report.largest_logit_difference), f"largest difference of a logit; {report.tolerance:g} allowed"),
        (levels(report.largest_level_difference), "largest difference of a pixel, in levels of 0..255"),
        (f"{report.equal_pixels:,} of {compared:,}", "images with equal pixels"),
        *([] if report.problem_type == "regression" else [same_top]),
        (f"{len(report.refused_by_one):,}", "files refused by one side only"),
    ]


def _image(report: VerifyReport, found: ImageDifference) -> dict[str, Any]:
    small = thumbnail(Path(report.images, found.name))
    return {
        "name": displayed(found.name),
        "thumbnail": data_uri(small) if small else None,
        "logits": difference(found.logits),
        "within": found.within(report.tolerance),
        "levels": levels(found.levels),
        "tensor": difference(found.tensor),
        "same_top": found.same_top,
        "sparkvision": scored(found.sparkvision),
        "transformers": scored(found.transformers),
    }


def _refusal(refusal: Refusal) -> dict[str, str]:
    def reason(side: str | None) -> str:
        return "reads it" if side is None else displayed(side)

    return {
        "name": displayed(refusal.name),
        "sparkvision": reason(refusal.sparkvision),
        "transformers": reason(refusal.transformers),
    }
