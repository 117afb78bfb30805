"""The statistics of a report's images: accuracy, confusions, labels, scores and errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sparkvision.report.labelled_image import BUCKETS, Counts

MOST_LABELS = 20
MOST_REASONS = 50


@dataclass(frozen=True)
class Confusion:
    """How often each true label was given each predicted label.

    Attributes
    ----------
    labels : list of str
        All labels, sorted; or, if there are more than `MOST_LABELS`, those with the most mistakes.
    counts : list of list of int
        ``counts[i][j]`` images of ``labels[i]`` were labelled ``labels[j]``.
    all_labels : int
        The number of labels.
    """

    labels: list[str]
    counts: list[list[int]]
    all_labels: int


@dataclass(frozen=True)
class Summary:
    """The counts of all images.

    Attributes
    ----------
    labelled, failed : int
        Images with a label; images with an error.
    reasons : list of (str, int)
        The `MOST_REASONS` most frequent errors, with their numbers masked.
    labels : list of (str, int)
        The `MOST_LABELS` most frequent best labels.
    all_labels : int
        The number of different best labels.
    histogram : list of int
        Images by the score of their best label, in `BUCKETS` equal steps from 0 to 1.
    judged, right : int
        Labelled images whose true label is known; those of them whose best label is the true one.
    confusion : Confusion, optional
        If true labels are known.
    """

    labelled: int
    failed: int
    reasons: list[tuple[str, int]]
    labels: list[tuple[str, int]]
    all_labels: int
    histogram: list[int]
    judged: int
    right: int
    confusion: Confusion | None

    @staticmethod
    def of(counts: Counts) -> Summary:
        """Add up the counts of all kinds of images."""
        reasons: Counter[str] = Counter()
        labels: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        histogram = [0] * BUCKETS
        for kind, count in counts.items():
            if kind.reason is not None:
                reasons[kind.reason] += count
            if kind.label is not None:
                labels[kind.label] += count
            if kind.label is not None and kind.truth is not None:
                pairs[kind.truth, kind.label] += count
            if kind.bucket is not None:
                histogram[kind.bucket] += count
        return Summary(
            labelled=labels.total(),
            failed=reasons.total(),
            reasons=_most(reasons, MOST_REASONS),
            labels=_most(labels, MOST_LABELS),
            all_labels=len(labels),
            histogram=histogram,
            judged=pairs.total(),
            right=sum(count for (truth, label), count in pairs.items() if truth == label),
            confusion=_confusion(pairs) if pairs else None,
        )


def _most(counted: Counter[str], most: int) -> list[tuple[str, int]]:
    """Return the most frequent names; equally frequent ones are sorted by name, independently of Spark's order."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:most]


def _confusion(pairs: Counter[tuple[str, str]]) -> Confusion:
    mistakes: Counter[str] = Counter()
    for (truth, label), count in pairs.items():
        for name in {truth, label}:
            mistakes[name] += count if truth != label else 0
    shown = sorted(name for name, _ in _most(mistakes, MOST_LABELS))
    return Confusion(shown, [[pairs[truth, label] for label in shown] for truth in shown], len(mistakes))
