"""A report as one HTML file that stands alone: nothing is loaded from elsewhere, and no script runs."""

from __future__ import annotations

from html import escape
from pathlib import Path

from sparkvision.report.page import style
from sparkvision.report.thumbnail import data_uri, thumbnail
from sparkvision.verify.report import PictureDifference, Refusal, VerifyReport
from sparkvision.verify.summary import counted, difference, displayed, facts, levels, scored, verdict

# Some 4 kB each: the page stays at 2 MB.
ROWS = 500

# Even if a name found its way through the escapes, the browser would neither run it nor load what it asks for.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(report: VerifyReport) -> str:
    """Give the page; thumbnails are read again from the folder of pictures.

    Parameters
    ----------
    report : VerifyReport
        Its worst `ROWS` pictures are shown, and as many refusals.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{"Passed" if report.passed else "Failed"}: {_text(report.bundle)} verified</title>
<style>
{style("sparkvision.verify")}</style>
</head>
<body>
<main>
<header>
<p class="kind">SparkVision verification</p>
<h1 class="{"passed" if report.passed else "failed"}">{_text(verdict(report))}</h1>
</header>
{_tiles(report)}
{_one_sided(report)}
{_pictures(report)}
{_refused_by_both(report)}
{_facts(report)}
</main>
</body>
</html>
"""


def _tiles(report: VerifyReport) -> str:
    compared = len(report.differences)
    tiles = [
        (difference(report.largest_logit_difference), f"largest difference of a logit; {report.tolerance:g} allowed"),
        (levels(report.largest_level_difference), "largest difference of a pixel, in levels of 0..255"),
        (f"{report.equal_pixels:,} of {compared:,}", "pictures with equal pixels"),
        (f"{report.same_top:,} of {compared:,}", "pictures with the same top label"),
        (f"{len(report.refused_by_one):,}", "files refused by one side only"),
    ]
    if report.problem_type == "regression":
        del tiles[3]
    items = "\n".join(f"<li><strong>{value}</strong> {_text(meaning)}</li>" for value, meaning in tiles)
    return f'<ul class="tiles">\n{items}\n</ul>'


def _one_sided(report: VerifyReport) -> str:
    if not report.refused_by_one:
        return ""
    return f"""<section>
<h2>Refused by one side only</h2>
<p>Each of these fails the verification: in production it would get a result where transformers gives none, or none
where transformers gives one.{_first(len(report.refused_by_one))}</p>
{_refusals(report.refused_by_one)}
</section>"""


def _pictures(report: VerifyReport) -> str:
    if not report.differences:
        return ""
    rows = "\n".join(_picture(report, found) for found in report.differences[:ROWS])
    return f"""<section>
<h2>Pictures, the worst first</h2>
<p>Every picture went through SparkVision's engine and through transformers. <em>Logits</em> is the largest difference
between their logits, <em>pixels</em> that between the pixels that the models were fed: in levels of 0..255, and as they
are fed, rescaled and normalised.{_first(len(report.differences))}</p>
<div class="wide">
<table>
<thead>
<tr><th scope="col">Picture</th><th scope="col">Name</th><th scope="col" class="number">Logits</th>
<th scope="col" class="number">Pixels, levels</th><th scope="col" class="number">Pixels, as fed</th>
<th scope="col">SparkVision</th><th scope="col">transformers</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</section>"""


def _picture(report: VerifyReport, found: PictureDifference) -> str:
    image = thumbnail(Path(report.images, found.name))
    shown = f'<img src="{data_uri(image)}" alt="{_text(found.name)}">' if image else "not readable any more"
    above = "" if found.within(report.tolerance) else '<br><span class="mark">above tolerance</span>'
    other = "" if found.same_top else '<br><span class="mark">other label</span>'
    return f"""<tr><td>{shown}</td><th scope="row">{_text(found.name)}</th>
<td class="number">{difference(found.logits)}{above}</td><td class="number">{levels(found.levels)}</td>
<td class="number">{difference(found.tensor)}</td><td>{_text(scored(found.sparkvision))}{other}</td>
<td>{_text(scored(found.transformers))}</td></tr>"""


def _refused_by_both(report: VerifyReport) -> str:
    if not report.refused_by_both:
        return ""
    return f"""<section>
<h2>Refused by both sides</h2>
<p>SparkVision and transformers agree that these are of no use; they do not count against the bundle.
{_first(len(report.refused_by_both))}</p>
<details>
<summary>{counted(len(report.refused_by_both), "file")}</summary>
{_refusals(report.refused_by_both)}
</details>
</section>"""


def _refusals(refusals: tuple[Refusal, ...]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{_text(refusal.name)}</th><td>{_reason(refusal.sparkvision)}</td>'
        f"<td>{_reason(refusal.transformers)}</td></tr>"
        for refusal in refusals[:ROWS]
    )
    return f"""<div class="wide">
<table>
<thead>
<tr><th scope="col">File</th><th scope="col">SparkVision</th><th scope="col">transformers</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def _facts(report: VerifyReport) -> str:
    entries = "\n".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in facts(report))
    return f"""<section>
<h2>What was compared</h2>
<p>SparkVision's engine, as it runs in Spark's executors, with the bundle; and Pillow, the checkpoint's slow image
processor and torch in float32 with eager attention. Both were given the same bytes of each file.</p>
<dl>
{entries}
</dl>
</section>"""


def _first(count: int) -> str:
    return f" The first {ROWS:,} of {count:,} are shown; the JSON beside this page has all." if count > ROWS else ""


def _reason(reason: str | None) -> str:
    return "reads it" if reason is None else _text(reason)


def _text(text: str) -> str:
    return escape(displayed(text))
