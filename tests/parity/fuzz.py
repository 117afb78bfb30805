"""Random images through the engine and through Pillow and transformers: zero differences beyond docs/exactness.md.

Usage: scripts/bench/parity --seconds N [--seed S] [--jobs J] [--failures FOLDER]
       scripts/bench/parity --seed S --only K        one image again

Makes images in every variant that Pillow writes, one in five of them damaged, and compares what both decode, and
what both feed a model for random settings of the processor. A difference that docs/exactness.md does not state is
printed, its image is written to a folder, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from tests.parity.exactness import Comparison, compare, promised_bound, promised_variants  # noqa: E402
from tests.parity.random_images import VARIANTS, damaged, random_image  # noqa: E402
from tests.parity.random_processors import random_processor  # noqa: E402
from tests.parity.two_decoders import (  # noqa: E402
    Refused,
    Values,
    engine_input,
    engine_pixels,
    pillow_pixels,
    transformers_input,
)

IMAGES_A_CALL = 32

# What decoders make of damage is theirs: these formats may be read by one side and refused by the other, as
# docs/exactness.md explains. Pixels that both give must be equal even so, but for the last.
REFUSED_BY_US_ALONE = {"JPEG", "PNG", "GIF", "BMP", "TIFF", "BigTIFF", "WebP"}
READ_BY_US_ALONE = {"PNG", "GIF", "WebP", "TIFF"}
OTHER_PIXELS = {"GIF", "WebP"}
# Damaged EXIF makes Pillow refuse the image, or guess; here it means upright.
WITH_METADATA = {variant for variant in VARIANTS if "EXIF" in variant}

EQUAL = "byte-equal"
WITHIN_BOUND = "within the stated bound"
REFUSED_AS_STATED = "refused by name, as stated"
REFUSED_BY_BOTH = "refused by both"
DAMAGED = "damaged, and taken otherwise as stated"


@dataclass(frozen=True)
class Case:
    """An image of the fuzz: everything about it follows from the seed and its number."""

    seed: int
    number: int
    variant: str
    is_damaged: bool
    data: bytes

    @property
    def command(self) -> str:
        """What makes it again."""
        return f"scripts/bench/parity --seed {self.seed} --only {self.number}"


@dataclass
class Findings:
    """What a run has seen."""

    counts: Counter[str] = field(default_factory=Counter)
    inputs: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """Add another run's."""
        self.counts += other.counts
        self.inputs += other.inputs
        self.failures += other.failures


def make_case(seed: int, number: int) -> Case:
    """Make the image of this number."""
    rng = random.Random(f"{seed}/{number}")
    variant = rng.choice(list(VARIANTS))
    data = VARIANTS[variant](rng, random_image(rng))
    is_damaged = rng.random() < 0.2
    return Case(seed, number, variant, is_damaged, damaged(rng, data) if is_damaged else data)


def outcome(case: Case, comparison: Comparison, promised: dict[str, str]) -> str | None:
    """Return the kind of a comparison that docs/exactness.md allows; None for one that it does not."""
    file_format = case.variant.partition(",")[0]
    bound = promised_bound(promised[case.variant])
    if comparison.difference is not None:
        if comparison.difference == 0:
            return EQUAL
        if bound is not None and comparison.difference <= bound:
            return WITHIN_BOUND
        other_pixels = file_format in OTHER_PIXELS or case.variant in WITH_METADATA
        return DAMAGED if case.is_damaged and other_pixels else None
    if comparison.refusal is None:
        read_by_us = file_format in READ_BY_US_ALONE or case.variant in WITH_METADATA
        return DAMAGED if case.is_damaged and read_by_us else None
    if "failed unexpectedly" in comparison.refusal:
        return None
    if not comparison.pillow_reads:
        return REFUSED_BY_BOTH
    if bound is None:
        return REFUSED_AS_STATED
    return DAMAGED if case.is_damaged and file_format in REFUSED_BY_US_ALONE else None


def input_difference(config: dict[str, Any], case: Case, pixels: Values) -> str | None:
    """Compare what both feed a model; None when it is the same bit for bit."""
    (ours,) = engine_input(config, [case.data])
    expected = transformers_input(config, pixels)
    if isinstance(ours, Refused):
        return f"the input is refused: {ours}"
    if ours.shape != expected.shape:
        return f"the input has the shape {ours.shape}, and transformers' {expected.shape}"
    if np.array_equal(ours, expected):
        return None
    return f"the input differs by up to {np.abs(ours - expected).max():.3g}"


def check(cases: list[Case], promised: dict[str, str], failures: Path) -> Findings:
    """Compare some images; write those that differ to a folder."""
    findings = Findings()
    for case, ours in zip(cases, engine_pixels([case.data for case in cases]), strict=True):
        comparison = compare(ours, pillow_pixels(case.data))
        kind = outcome(case, comparison, promised)
        problem = None if kind else str(comparison)
        config: dict[str, Any] = {}
        if comparison.difference == 0 and not isinstance(ours, Refused):
            config = random_processor(random.Random(f"{case.seed}/{case.number}/processor"))
            problem = input_difference(config, case, ours)
            findings.inputs += 1
        if problem:
            damage = ", damaged" if case.is_damaged else ""
            findings.failures.append(f"{case.variant}{damage}: {problem}; {case.command}")
            keep(case, config, problem, failures)
        elif kind:
            findings.counts[kind] += 1
    return findings


def keep(case: Case, config: dict[str, Any], problem: str, failures: Path) -> None:
    """Write an image that differs, and how to see it again."""
    failures.mkdir(parents=True, exist_ok=True)
    name = f"seed{case.seed}-{case.number}"
    (failures / f"{name}.bin").write_bytes(case.data)
    about = {"variant": case.variant, "problem": problem, "again": case.command, "processor": config}
    (failures / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


def numbers_for(job: int, jobs: int, seconds: float) -> Iterator[list[int]]:
    """Return the numbers of one job's images, some at a time, until the time is over."""
    until = time.monotonic() + seconds
    start = job
    while time.monotonic() < until:
        yield list(range(start, start + jobs * IMAGES_A_CALL, jobs))
        start += jobs * IMAGES_A_CALL


def run(seed: int, job: int, jobs: int, seconds: float, failures: Path) -> Findings:
    """Do one job's share."""
    promised = promised_variants()
    findings = Findings()
    for numbers in numbers_for(job, jobs, seconds):
        findings.add(check([make_case(seed, number) for number in numbers], promised, failures))
    return findings


def report(findings: Findings) -> int:
    """Print what was seen; 1 when there is a difference that is not stated."""
    images = findings.counts.total() + len(findings.failures)
    print(f"{images} images compared, {findings.inputs} also as a model's input")
    for kind in (EQUAL, WITHIN_BOUND, REFUSED_BY_BOTH, REFUSED_AS_STATED, DAMAGED):
        print(f"{findings.counts[kind]:8} {kind}")
    print(f"{len(findings.failures):8} differences that docs/exactness.md does not state")
    for failure in findings.failures:
        print(failure)
    return 1 if findings.failures else 0


def main() -> int:
    """Run the fuzz."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a JVM of its own")
    parser.add_argument("--only", type=int, metavar="K", help="compare the seed's image number K alone")
    parser.add_argument("--failures", type=Path, default=ROOT / "build" / "parity")
    options = parser.parse_args()

    if options.only is not None:
        return report(check([make_case(options.seed, options.only)], promised_variants(), options.failures))
    shares = [(options.seed, job, options.jobs, options.seconds, options.failures) for job in range(options.jobs)]
    findings = Findings()
    if options.jobs == 1:
        findings.add(run(*shares[0]))
    else:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            for share in [pool.submit(run, *share) for share in shares]:
                findings.add(share.result())
    return report(findings)


if __name__ == "__main__":
    sys.exit(main())
