"""A report as text for a terminal: the verdict, the facts, and the worst images."""

from __future__ import annotations

import math

from sparkvision.verify.verify_report import ImageDifference, TopLabel, VerifyReport

_WORST = 10
_ONE_SIDED = 20


def describe(report: VerifyReport) -> str:
    """Return the report as text for a terminal, the verdict first.

    Examples
    --------
    >>> print(describe(report))  # doctest: +SKIP
    PASSED: on all 20 images the logits agree within 0.001
    ...
    """
    lines = [verdict(report), "", *(f"{name:<14} {text}" for name, text in facts(report))]
    if report.refused_by_one:
        lines += ["", "refused by one side only"]
        lines += [
            f"  {displayed(refusal.name)}: refused by {side}: {displayed(reason)}"
            for refusal in report.refused_by_one[:_ONE_SIDED]
            for side, reason in (("SparkVision", refusal.sparkvision), ("transformers", refusal.transformers))
            if reason is not None
        ]
        if len(report.refused_by_one) > _ONE_SIDED:
            lines.append(f"  and {len(report.refused_by_one) - _ONE_SIDED} more")
    if report.differences:
        lines += ["", "worst images", _row("logits", "levels", "SparkVision", "transformers", "image")]
        lines += [_difference(difference) for difference in report.differences[:_WORST]]
    return "\n".join(lines)


def verdict(report: VerifyReport) -> str:
    """Return the outcome in one sentence."""
    compared = len(report.differences)
    if report.passed:
        return f"PASSED: on all {counted(compared, 'image')} the logits agree within {report.tolerance:g}"
    faults = []
    if report.above_tolerance:
        faults.append(
            f"on {report.above_tolerance} of {counted(compared, 'image')} a logit differs by more than "
            f"{report.tolerance:g}"
        )
    if report.refused_by_one:
        faults.append(f"{counted(len(report.refused_by_one), 'file')} refused by one side only")
    if not compared:
        faults.append("there was no image that both sides read")
    return f"FAILED: {'; '.join(faults)}"


def facts(report: VerifyReport) -> list[tuple[str, str]]:
    """Return what was compared, the results, and the environment, as pairs of a name and a text."""
    compared = len(report.differences)
    looked_at = compared + len(report.refusals)
    model = f" (model {report.model_hash[:12]})" if report.model_hash else ""
    found = f", the first {looked_at:,} of {report.files_found:,} files" if looked_at < report.files_found else ""
    renamed = f"the bundle renames {report.labels_renamed} of {report.labels}"
    top = [("top label", f"the same on {report.same_top:,} of {compared:,}")]
    return [
        ("bundle", displayed(report.bundle) + model),
        ("checkpoint", displayed(report.checkpoint)),
        ("images", f"{compared:,} compared, from {displayed(report.images)}{found}"),
        ("refused", f"{len(report.refused_by_both):,} by both sides, {len(report.refused_by_one):,} by one only"),
        (
            "pixels",
            f"equal on {report.equal_pixels:,} of {compared:,}; largest difference "
            f"{levels(report.largest_level_difference)} levels of 0..255, "
            f"{difference(report.largest_tensor_difference)} in the model's input",
        ),
        ("logits", f"largest difference {difference(report.largest_logit_difference)} (allowed {report.tolerance:g})"),
        *(top if report.problem_type != "regression" else []),
        ("label names", renamed if report.labels_renamed else f"all {report.labels:,} the same"),
        ("versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
        ("machine", f"{report.machine['processor']}, {report.machine['cores']} cores, {report.machine['system']}"),
        ("time", f"{report.started:%Y-%m-%d %H:%M} UTC, took {report.seconds:.1f} s"),
    ]


def difference(value: float) -> str:
    """Format a difference of logits or of the model's input with two significant digits."""
    return "not a number" if math.isnan(value) else f"{value:.2g}"


def levels(value: float) -> str:
    """Format a difference of pixels in levels of 0..255. A difference by float32's rounding alone becomes 0.00."""
    return "not a number" if math.isnan(value) else f"{value:.2f}"


def scored(top: TopLabel) -> str:
    """Format a label with its score."""
    return f"{displayed(top.label)} ({top.score:.4f})"


def counted(count: int, noun: str) -> str:
    """Format a number with its noun, in the plural if needed."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def displayed(text: str) -> str:
    """Replace the characters of a name, a label or a reason that are not printable, such as control sequences."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _difference(found: ImageDifference) -> str:
    numbers = difference(found.logits), levels(found.levels)
    return _row(*numbers, scored(found.sparkvision), scored(found.transformers), displayed(found.name))


def _row(logits: str, level: str, ours: str, theirs: str, name: str) -> str:
    return f"  {logits:>12} {level:>12}  {ours[:28]:<28} {theirs[:28]:<28} {name}"
