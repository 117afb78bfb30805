"""What the pipeline found, held against the truth: which crop shows which product, and how right the groups are."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

Box = Sequence[float]

# A crop shows a product when they share half of what they cover together, as in the PASCAL VOC challenge.
SAME_PLACE = 0.5
THRESHOLDS = [step / 200 for step in range(100, 200)]


class Product(NamedTuple):
    """A product as a page truly shows it."""

    half: str
    source: str
    alteration: str
    box: Box


class Score(NamedTuple):
    """Of the pairs put together, how many belong together; of those that belong together, how many were put so."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


@dataclass(frozen=True)
class Truth:
    """What all pages truly show, by the pages' names."""

    pages: Mapping[str, Sequence[Product]]

    @staticmethod
    def read(file: Path) -> Truth:
        """Read what `pictures.make_catalogue` wrote."""
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return Truth({row["page"]: [Product(row["half"], **shown) for shown in row["products"]] for row in rows})

    @property
    def count(self) -> int:
        """Count the products on all pages."""
        return sum(len(shown) for shown in self.pages.values())

    def half(self, page: str) -> str:
        """Give the half that a page belongs to."""
        return self.pages[page][0].half

    def shown(self, page: str, box: Box) -> Product | None:
        """Give the product that a crop of a page shows; None where there is none."""
        best = max(self.pages[page], key=lambda product: overlap(product.box, box))
        return best if overlap(best.box, box) >= SAME_PLACE else None

    def pairs(self, half: str) -> int:
        """Count the pairs of one source, those that the detector missed too."""
        sources = Counter(p.source for shown in self.pages.values() for p in shown if p.half == half)
        return sum(count * (count - 1) // 2 for count in sources.values())


def overlap(first: Box, second: Box) -> float:
    """Give the intersection over the union of two boxes."""
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
        Of each product found, by its id: the group it was put into, and what it truly shows.
    true_pairs
        How many pairs there are to find.
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
    """Join what is linked by a similarity of ``threshold`` or more, as ImageDeduplicator does."""
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
    """Give the threshold whose groups are best: the middle of all that are within 1 % of the best.

    A threshold just above the worst mistake of one half would be just below that of another.
    """
    found = {
        threshold: score(groups_above(similarities, threshold, sources), sources, true_pairs).f1
        for threshold in THRESHOLDS
    }
    best = max(found.values())
    good = [threshold for threshold, f1 in found.items() if f1 >= 0.99 * best]
    return good[len(good) // 2]
