"""Compare the result of the pipeline with the ground truth: the products of the crops, and the groups."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

Box = Sequence[float]

# A crop shows a product if their intersection over union is at least one half, as in the PASCAL VOC challenge.
SAME_PLACE = 0.5
THRESHOLDS = [step / 200 for step in range(100, 200)]


class Product(NamedTuple):
    """A product on a page, from the ground truth."""

    half: str
    source: str
    alteration: str
    box: Box


class Score(NamedTuple):
    """Precision: the correct share of the grouped pairs. Recall: the grouped share of the true pairs."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


@dataclass(frozen=True)
class Truth:
    """The ground truth: the products on each page, by the name of the page."""

    pages: Mapping[str, Sequence[Product]]

    @staticmethod
    def read(file: Path) -> Truth:
        """Read the file that `images.make_catalogue` wrote."""
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return Truth({row["page"]: [Product(row["half"], **shown) for shown in row["products"]] for row in rows})

    @property
    def count(self) -> int:
        """Count the products on all pages."""
        return sum(len(shown) for shown in self.pages.values())

    def half(self, page: str) -> str:
        """Return the half of a page."""
        return self.pages[page][0].half

    def shown(self, page: str, box: Box) -> Product | None:
        """Return the product that a crop of a page shows, or None."""
        best = max(self.pages[page], key=lambda product: overlap(product.box, box))
        return best if overlap(best.box, box) >= SAME_PLACE else None

    def pairs(self, half: str) -> int:
        """Count the pairs with the same source, including products that the detector missed."""
        sources = Counter(p.source for shown in self.pages.values() for p in shown if p.half == half)
        return sum(count * (count - 1) // 2 for count in sources.values())


def overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return common / (sum(areas) - common)


def score(groups: Mapping[str, str], sources: Mapping[str, str], true_pairs: int) -> Score:
    """Compare groups with sources, pair by pair.

    Parameters
    ----------
    groups, sources
        The group and the true source of each product, by the id of the product.
    true_pairs
        The number of pairs in the ground truth.
    """
    members = defaultdict(list)
    for name, group in groups.items():
        members[group].append(sources[name])
    together = [first == second for group in members.values() for first, second in combinations(group, 2)]
    right = sum(together)
    return Score(right / max(len(together), 1), right / true_pairs)


def groups_above(
    similarities: Iterable[tuple[str, str, float]], threshold: float, names: Iterable[str]
) -> dict[str, str]:
    """Group products with a similarity of at least ``threshold``, as ImageDeduplicator does."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for first, second, similarity in similarities:
        if similarity >= threshold:
            parent[root(first)] = root(second)
    return {name: root(name) for name in parent}


def choose_threshold(
    similarities: Sequence[tuple[str, str, float]], sources: Mapping[str, str], true_pairs: int
) -> float:
    """Return the middle of the thresholds whose score is within 1 % of the best score.

    The lowest threshold without an error on one half would often be too low for the other half.
    """
    found = {
        threshold: score(groups_above(similarities, threshold, sources), sources, true_pairs).f1
        for threshold in THRESHOLDS
    }
    best = max(found.values())
    good = [threshold for threshold, f1 in found.items() if f1 >= 0.99 * best]
    return good[len(good) // 2]
