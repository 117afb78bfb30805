"""The process beside Spark: reads the pictures that Spark wrote, detects, crops, embeds, and writes what Spark reads.

Its command line is the job in JSON, a folder to read and one to write. It prints a line when its workers have opened
their sessions, and one with the seconds that each step took, all workers together, when all is written.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from bench.catalogue.pillow_models import PillowDetector, PillowEmbedder

# Two at a time is faster on a core than one or eight of 224 x 224: what a layer computes stays in its cache.
CROPS_A_RUN = 2
SCHEMA = pa.schema({"path": pa.string(), "detection": pa.int32(), "embedding": pa.list_(pa.float32())})

OPEN_WITHIN_SECONDS = 120

Crop = tuple[str, int, Image.Image]


class Worker:
    """One core: its sessions, and the time that its steps have taken."""

    def __init__(self, detector: str, embedder: str, boxes: int) -> None:
        self._detector = PillowDetector(Path(detector), boxes)
        self._embedder = PillowEmbedder(Path(embedder))
        self.seconds: Counter[str] = Counter()

    def do(self, file: Path, out: Path) -> None:
        """Embed the objects in the pictures of one file, and write a file of the same name."""
        with self._timed("read"):
            table = pq.read_table(file)
        with pq.ParquetWriter(out / file.name, SCHEMA) as writer:
            crops = self._crops(table)
            while some := list(islice(crops, CROPS_A_RUN * 32)):
                vectors = self._embedded(some)
                with self._timed("write back"):
                    columns = [pa.array([path for path, _, _ in some]), pa.array([index for _, index, _ in some])]
                    embeddings = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
                    rows = pa.table([*columns, embeddings], names=SCHEMA.names).cast(SCHEMA)
                    writer.write_table(rows)

    def _crops(self, table: pa.Table) -> Iterator[Crop]:
        for path, content in zip(table["path"], table["content"], strict=True):
            with self._timed("decode"):
                picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content.as_buffer()))).convert("RGB")
            with self._timed("detect: prepare"):
                values = self._detector.prepare(picture)
            with self._timed("detect: run"):
                boxes = self._detector.boxes(values, picture)
            for index, (left, top, right, bottom) in enumerate(boxes):
                if left < right and top < bottom:
                    yield path.as_py(), index, picture.crop((left, top, right, bottom))

    def _embedded(self, crops: list[Crop]) -> Any:
        with self._timed("embed"):
            runs = (crops[start : start + CROPS_A_RUN] for start in range(0, len(crops), CROPS_A_RUN))
            return np.concatenate([self._embedder.embed([picture for _, _, picture in run]) for run in runs])

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        # typeshed knows Counters of whole numbers only.
        self.seconds[step] += time.perf_counter() - began  # type: ignore[assignment]


# Each of the pool's processes has its own.
_worker: Worker


def _open(job: dict[str, Any], all_open: Any) -> None:
    """Begin a process of the pool."""
    global _worker
    try:
        _worker = Worker(job["detector"], job["embedder"], job["boxes"])
    except Exception:
        all_open.abort()  # nobody is to wait for this one
        raise
    all_open.wait(OPEN_WITHIN_SECONDS)


def _do(file: Path, out: Path) -> Counter[str]:
    """Do a file in a process of the pool, and give the time that its steps took."""
    _worker.seconds.clear()
    _worker.do(file, out)
    return _worker.seconds


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
        seconds = sum((one.result() for one in done), Counter[str]())
    print(json.dumps(seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
