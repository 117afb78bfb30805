"""Thousands of damaged images for the decoder: each must be decoded or refused, and the JVM must not crash."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.cluster.support.cluster import ROOT, environment
from tests.cluster.support.workload import Figures, Workload

Bytes = npt.NDArray[np.uint8]
Generator = np.random.Generator

FOLDERS = (ROOT / "tests" / "fixtures", ROOT.parent / "shared" / "images")
LARGEST_SOURCE = 96 << 10  # a larger file is decoded slowly, and hides no other branch of a decoder
FILES_PER_CALL = 200
HEADER = 64


def source_files() -> list[Path]:
    """List the images, whole and damaged ones, from which damaged ones are made."""
    files = {file.name: file for folder in FOLDERS for file in sorted(folder.rglob("*")) if _is_source(file)}
    return list(files.values())


def _is_source(file: Path) -> bool:
    # Of the digits, which are all alike, one folder.
    alike = file.parent.parent.name == "digits" and file.parent.name != "0"
    text = file.suffix in {".md", ".py", ".json", ".safetensors"}
    return file.is_file() and not text and not alike and 0 < file.stat().st_size <= LARGEST_SOURCE


def flip_bits(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Flip one to sixteen bits anywhere."""
    where = random.integers(0, image.size, random.integers(1, 17))
    image[where] ^= (1 << random.integers(0, 8, where.size)).astype(np.uint8)
    return image


def edit_header(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Write values that decoders stumble over into the first bytes: sizes, counts and offsets lie there."""
    where = random.integers(0, min(HEADER, image.size), random.integers(1, 5))
    image[where] = random.choice(np.array([0, 1, 0x7F, 0x80, 0xFE, 0xFF], np.uint8), where.size)
    return image


def truncate(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Cut the end off."""
    return image[: random.integers(0, image.size)]


def splice(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Go on as another image does."""
    other = others[random.integers(len(others))]
    return np.concatenate([image[: random.integers(0, image.size)], other[random.integers(0, other.size) :]])


def repeat_piece(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Write a piece of the image over another place of it."""
    length = int(random.integers(1, max(2, image.size // 4)))
    source, target = random.integers(0, image.size - length + 1, 2)
    image[target : target + length] = image[source : source + length].copy()
    return image


def overwrite(image: Bytes, random: Generator, others: list[Bytes]) -> Bytes:
    """Write noise over a piece."""
    start = int(random.integers(0, image.size))
    piece = image[start : start + int(random.integers(1, 257))]
    piece[:] = random.integers(0, 256, piece.size, np.uint8)
    return image


MUTATIONS: tuple[Callable[[Bytes, Generator, list[Bytes]], Bytes], ...] = (
    flip_bits,
    edit_header,
    truncate,
    splice,
    repeat_piece,
    overwrite,
)


def damaged_images(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, the file); the same for the same seed and sources."""
    random = np.random.default_rng(seed)
    sources = [np.frombuffer(file.read_bytes(), np.uint8) for file in source_files()]
    for _ in range(count):
        image = sources[random.integers(len(sources))].copy()
        done = []
        # Mostly one: a file with much damage is refused before a decoder sees it.
        for mutation in random.choice(len(MUTATIONS), random.choice([1, 1, 1, 2, 3])):
            if image.size:
                image = MUTATIONS[mutation](image, random, sources)
                done.append(MUTATIONS[mutation].__name__)
        yield "+".join(done), image.tobytes()


def decoder_fuzzed(folder: Path, workload: Workload) -> Figures:
    """Decode damaged images in a JVM of its own.

    Raises
    ------
    RuntimeError
        When decoding raised anything but a reason.
    """
    command = [sys.executable, __file__, str(folder), str(workload.fuzzed_files), str(workload.seed)]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"fuzzing with seed {workload.seed} failed:\n{run.stderr[-3000:]}")
    figures: Figures = json.loads(run.stdout.splitlines()[-1])
    return figures


def _decode(folder: Path, count: int, seed: int) -> Figures:
    """Decode in this process's JVM. When that crashes, the files it was given last stay in ``folder``."""
    from py4j.protocol import Py4JNetworkError

    from sparkvision._engine.packing import unpack
    from sparkvision.local import LocalModel

    # Its Scala half, which takes packed files as they are: the packed file on disk is what the JVM got.
    model = LocalModel("embedded:digits")._scala
    folder.mkdir(parents=True, exist_ok=True)
    under_test = folder / f"fuzz-{seed}.packed"
    outcomes: Counter[str] = Counter()
    mutations: Counter[str] = Counter()
    slowest, crashes = 0.0, 0
    images = damaged_images(count, seed)
    while not crashes and (batch := list(islice(images, FILES_PER_CALL))):
        mutations.update(name for done, _ in batch for name in done.split("+"))
        packed = b"".join(struct.pack("<i", len(image)) + image for _, image in batch)
        under_test.write_bytes(packed)
        began = time.monotonic()
        try:
            refused, _ = unpack(model.preprocess(packed), len(batch))
        except Py4JNetworkError:
            crashes += 1
        else:
            mistakes = [reason for reason in refused if "failed unexpectedly" in reason]
            if mistakes:
                raise RuntimeError(f"{mistakes[0]}; the files are in {under_test}")
            outcomes.update("refused" if reason else "decoded" for reason in refused)
        slowest = max(slowest, time.monotonic() - began)
    if not crashes:
        under_test.unlink()
    return {
        "seed": seed,
        "files_fuzzed": outcomes.total(),
        **outcomes,
        "jvm_crashes": crashes,
        "mutations": dict(sorted(mutations.items())),
        "slowest_call_seconds": round(slowest, 1),
    }


if __name__ == "__main__":
    print(json.dumps(_decode(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
