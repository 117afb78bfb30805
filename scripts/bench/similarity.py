"""Build and search similarity indexes of generated vectors, and measure cost per image and recall.

Usage: scripts/bench/similarity [--vectors N]... [--queries N] [--dimension N] [--shards N] [--record FILE]

A vector is one of 1,000 centres plus noise, both in 32 dimensions, which a random matrix maps to all dimensions, plus a
little noise in each of these. Like embeddings of images, the vectors therefore vary in few directions. The queries are
further vectors of the same distribution. Costs are processor seconds of the one JVM, which has warmed up on 10,000
vectors. Each size produces a row of JSON, which is printed and appended to the file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from py4j.java_gateway import get_field  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402

import sparkvision  # noqa: E402
from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.usage import tree_usage  # noqa: E402
from sparkvision.ml import SimilarImages  # noqa: E402

FOLDER = ROOT / "build" / "bench" / "similarity"
RECORD = FOLDER / "similarity.jsonl"
SIZES = (10_000, 100_000, 1_000_000)
CENTRES, INNER = 1000, 32
ROWS_A_FILE = 50_000
TOP_K = 10
EF_SEARCH = (50, 100, 200)
# Number of queries for which the compared vectors are counted.
WALKS = 50

Method = Literal["exact", "approximate"]


def made_vectors(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Draw vectors from the mixture, whose parameters are always the same."""
    mixture = np.random.default_rng(0)
    centres = mixture.normal(size=(CENTRES, INNER))
    turn = mixture.normal(size=(INNER, dimension))
    random = np.random.default_rng(seed)
    inner = centres[random.integers(CENTRES, size=count)] + 0.5 * random.normal(size=(count, INNER))
    return (inner @ turn + 0.2 * random.normal(size=(count, dimension))).astype(np.float32)


def table(spark: SparkSession, name: str, count: int, dimension: int, rows_a_file: int, seed: int) -> DataFrame:
    """Write vectors to Parquet, once, and read them."""
    folder = FOLDER / f"{name}-{count}-{dimension}"
    if not folder.exists():
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for number, first in enumerate(range(0, count, rows_a_file)):
            vectors = made_vectors(min(rows_a_file, count - first), dimension, seed + number)
            ids = [f"{name}/{index:09d}.jpg" for index in range(first, first + len(vectors))]
            ends = pa.array(range(0, vectors.size + 1, dimension), pa.int32())
            values = pa.ListArray.from_arrays(ends, vectors.ravel())
            pq.write_table(pa.table({"path": ids, "features": values}), unfinished / f"{number:05d}.parquet")
        unfinished.rename(folder)
    return spark.read.parquet(str(folder))


class Stopwatch:
    """Measures the time of work in the JVM."""

    def __init__(self, spark: SparkSession) -> None:
        jvm: Any = spark._jvm
        self._process = int(jvm.java.lang.ProcessHandle.current().pid())

    def take(self, work: Callable[[], object]) -> tuple[float, float]:
        """Return the processor's and the clock's seconds."""
        cpu, began = tree_usage(self._process).cpu_seconds, time.perf_counter()
        work()
        return tree_usage(self._process).cpu_seconds - cpu, time.perf_counter() - began


def run_all(found: DataFrame) -> None:
    """Compute every row, and keep none."""
    found.write.format("noop").mode("overwrite").save()


def neighbours(found: DataFrame) -> dict[str, set[str]]:
    """Return the ids found for each query."""
    return {row["path"]: set(row["ids"]) for row in found.selectExpr("path", "similar.id ids").collect()}


def measure_build(watch: Stopwatch, vectors: DataFrame, path: Path, method: Method, shards: int) -> dict[str, Any]:
    """Build an index."""
    shutil.rmtree(path, ignore_errors=True)
    count = vectors.count()
    cpu, seconds = watch.take(lambda: SimilarImages.build(vectors, str(path), method=method, shards=shards))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and file.suffix != ".crc")
    return {"cpu_ms": 1e3 * cpu / count, "seconds": seconds, "bytes": size / count}


def measure_search(watch: Stopwatch, stage: SimilarImages, queries: DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """Search: first to open the index, then to see what is found, then to take the time."""
    _, opening = watch.take(lambda: run_all(stage.transform(queries.limit(1))))
    found = neighbours(stage.transform(queries))
    cpu, seconds = watch.take(lambda: run_all(stage.transform(queries)))
    return {"cpu_ms": 1e3 * cpu / len(found), "seconds": seconds, "open_seconds": opening}, found


def vectors_compared(spark: SparkSession, index: Path, queries: NDArray[np.float32], ef: int) -> float:
    """Count the vectors with which Lucene compares a query in the graphs of all shards."""
    jvm: Any = spark._jvm
    gateway: Any = spark.sparkContext._gateway
    lucene = jvm.org.apache.lucene
    found: list[int] = []
    for folder in index.rglob("hnsw"):
        directory = lucene.store.MMapDirectory(jvm.java.io.File(str(folder)).toPath())
        reader = lucene.index.DirectoryReader.open(directory)
        graph = reader.leaves().get(0).reader()
        for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
            vector = gateway.new_array(jvm.float, query.size)
            for place, value in enumerate(query.tolist()):
                vector[place] = value
            nearest = graph.searchNearestVectors("vector", vector, ef, None, 2**31 - 1)
            found.append(get_field(get_field(nearest, "totalHits"), "value"))
        reader.close()
        directory.close()
    return sum(found) / len(queries)


def measure(spark: SparkSession, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Build both kinds of index of so many vectors, and ask both."""
    watch = Stopwatch(spark)
    # A file becomes a partition, and partitions become shards: all shards are to be of one size.
    rows_a_file = min(ROWS_A_FILE, -(-size // options.shards))
    vectors = table(spark, "indexed", size, options.dimension, rows_a_file, seed=1)
    queries = table(spark, "queries", options.queries, options.dimension, -(-options.queries // 4), seed=10**6)
    stage = SimilarImages().setIndexPath(str(FOLDER / "index")).setTopK(TOP_K)
    row: dict[str, Any] = {"vectors": size, "dimension": options.dimension, "queries": options.queries}
    row["build_exact"] = measure_build(watch, vectors, FOLDER / "exact", "exact", options.shards)
    row["build_approximate"] = measure_build(watch, vectors, FOLDER / "index", "approximate", options.shards)
    row["exact"], truth = measure_search(watch, stage, queries)
    for ef in EF_SEARCH:
        approximate = stage.setMethod("approximate").setEfSearch(ef)
        row[f"approximate_{ef}"], found = measure_search(watch, approximate, queries)
        hits = sum(len(found[name] & ids) for name, ids in truth.items())
        row[f"approximate_{ef}"]["recall_at_10"] = hits / (TOP_K * len(truth))
        some = made_vectors(WALKS, options.dimension, seed=10**6)
        row[f"approximate_{ef}"]["vectors_compared"] = vectors_compared(spark, FOLDER / "index", some, ef)
    return row


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, action="append", help=f"default: {', '.join(map(str, SIZES))}")
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=192)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--record", type=Path, default=RECORD)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    spark = sparkvision.start(master="local[2]", config={"spark.ui.enabled": "false", "spark.log.level": "ERROR"})
    about = {"run": datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    measure(spark, SIZES[0], options)
    for size in sorted(options.vectors or SIZES):
        row = {**about, "shards": options.shards, **measure(spark, size, options)}
        print(json.dumps(row))
        with options.record.open("a") as record:
            record.write(json.dumps(row) + "\n")
    for folder in ("index", "exact"):
        shutil.rmtree(FOLDER / folder, ignore_errors=True)


if __name__ == "__main__":
    main()
