"""The process beside Spark: reads the images that Spark wrote, detects, crops, embeds, and writes what Spark reads.

Its command line is the job in JSON, a folder to read and a folder to write. It prints a line when its workers have
opened their sessions.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from bench.catalogue.pillow_models import PillowDetector, PillowEmbedder

# On one core, runs of two crops of 224 x 224 are faster than runs of one or eight: the values of a layer stay in cache.
CROPS_PER_RUN = 2
RUNS_PER_WRITE = 32
SCHEMA = pa.schema({"path": pa.string(), "detection": pa.int32(), "embedding": pa.list_(pa.float32())})

OPEN_WITHIN_SECONDS = 120

Crop = tuple[str, int, Image.Image]


class Worker:
    """The sessions of one core."""

    def __init__(self, detector: str, embedder: str, boxes: int) -> None:
        self._detector = PillowDetector(Path(detector), boxes)
        self._embedder = PillowEmbedder(Path(embedder))

    def do(self, file: Path, out: Path) -> None:
        """Embed the objects in the images of one file, and write a file of the same name."""
        with pq.ParquetWriter(out / file.name, SCHEMA) as writer:
            crops = self._crops(pq.read_table(file))
            while some := list(islice(crops, CROPS_PER_RUN * RUNS_PER_WRITE)):
                vectors = self._embedded(some)
                columns = [pa.array([path for path, _, _ in some]), pa.array([index for _, index, _ in some])]
                embeddings = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
                writer.write_table(pa.table([*columns, embeddings], names=SCHEMA.names).cast(SCHEMA))

    def _crops(self, table: pa.Table) -> Iterator[Crop]:
        for path, content in zip(table["path"], table["content"], strict=True):
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(content.as_buffer()))).convert("RGB")
            boxes = self._detector.boxes(self._detector.prepare(image), image)
            for index, (left, top, right, bottom) in enumerate(boxes):
                if left < right and top < bottom:
                    yield path.as_py(), index, image.crop((left, top, right, bottom))

    def _embedded(self, crops: list[Crop]) -> Any:
        runs = (crops[start : start + CROPS_PER_RUN] for start in range(0, len(crops), CROPS_PER_RUN))
        return np.concatenate([self._embedder.embed([image for _, _, image in run]) for run in runs])


# Each process of the pool has its own.
_worker: Worker


def _open(job: dict[str, Any], all_open: Any) -> None:
    """Initialise a process of the pool."""
    global _worker
    try:
        _worker = Worker(job["detector"], job["embedder"], job["boxes"])
    except Exception:
        all_open.abort()  # The other processes must not wait for this one.
        raise
    all_open.wait(OPEN_WITHIN_SECONDS)


def _do(file: Path, out: Path) -> None:
    """Do one file in a process of the pool."""
    _worker.do(file, out)


def main() -> int:
    """Run the command line."""
    job, source, out = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True)
    context = multiprocessing.get_context("fork")
    all_open = context.Barrier(job["slots"] + 1)
    with ProcessPoolExecutor(job["slots"], context, _open, (job, all_open)) as pool:
        done = [pool.submit(_do, file, out) for file in sorted(source.glob("*.parquet"))]
        all_open.wait(OPEN_WITHIN_SECONDS)
        print("ready", flush=True)
        for one in done:
            one.result()
    return 0


if __name__ == "__main__":
    sys.exit(main())
