"""The workloads, the most important first."""

from __future__ import annotations

from dataclasses import dataclass

from bench.rivals.roster import PEERS, REFERENCE

ALL = tuple(PEERS)
STARTED = (REFERENCE, "local-model", "transformers-slow", "sparkvision", "pandas-udf", "spark-nlp")
A_FEW = (REFERENCE, "sparkvision", "local-model", "pandas-udf", "spark-nlp", "pillow-onnxruntime")


@dataclass(frozen=True)
class Workload:
    """Images, a model, and the peers that label the images.

    Attributes
    ----------
    images
        One of `images.KINDS`.
    count
        Images of a round; 0 measures nothing but cold starts.
    slots
        Cores in all.
    rounds
        Rounds that count; one more round comes first and does not count.
    """

    name: str
    model: str
    images: str
    count: int
    peers: tuple[str, ...]
    slots: int = 2
    batch_sizes: tuple[int, ...] = (8,)
    rounds: int = 3


JPEG, LARGE, PNG = "500x375 JPEG", "12-megapixel JPEG", "32x32 PNG"

WORKLOADS = (
    Workload("vit-tiny-jpeg", "vit-tiny", JPEG, 192, ALL),
    Workload("vit-tiny-12-megapixel", "vit-tiny", LARGE, 60, ALL),
    Workload("vit-base-jpeg", "vit-base", JPEG, 32, ALL),
    Workload("digits-100", "digits", PNG, 100, A_FEW),
    Workload("digits-1000", "digits", PNG, 1_000, A_FEW),
    Workload("digits-10000", "digits", PNG, 10_000, A_FEW, rounds=2),
    Workload("vit-tiny-one-slot", "vit-tiny", JPEG, 96, A_FEW, slots=1),
    Workload("vit-tiny-batches", "vit-tiny", JPEG, 128, A_FEW, batch_sizes=(1, 2, 4, 8, 16, 32, 64), rounds=2),
    Workload("vit-base-cold", "vit-base", JPEG, 0, STARTED, rounds=2),
    Workload(
        "vit-base-batches", "vit-base", JPEG, 64, (REFERENCE, "sparkvision"), batch_sizes=(1, 8, 16, 64), rounds=1
    ),
)


def sittings(workloads: tuple[Workload, ...]) -> list[list[Workload]]:
    """Group neighbouring workloads that can share processes: those with the same model and slots."""
    together: list[list[Workload]] = []
    for workload in workloads:
        if together and workload.count and _shares(together[-1][-1], workload):
            together[-1].append(workload)
        else:
            together.append([workload])
    return together


def _shares(one: Workload, other: Workload) -> bool:
    return bool(one.count) and (one.model, one.slots) == (other.model, other.slots)
