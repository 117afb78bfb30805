"""Executors' local disks that fail: copies of models that are damaged, and directories that are full or read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.support.application import (
    answers,
    application,
    classifier,
    compare,
    executors,
    image_files,
    images,
    total,
    undisturbed,
    wait_for_closed_sessions,
)
from tests.cluster.support.cluster import Cluster
from tests.cluster.support.model_variants import digits_variant
from tests.cluster.support.workload import Figures, Workload

from sparkvision.bundle import Bundle

# Room for the jars, which executors keep there too, and not for the model.
SMALL_DISK_MEGABYTES = 48
MODEL_MEGABYTES = 64
COPIES = "**/sparkvision-model-*/model.onnx"


def copies_damaged(cluster: Cluster, workload: Workload) -> Figures:
    """Flip a bit of one executor's copy, truncate the other's; then delete both."""
    rounds: list[list[Callable[[Path], None]]] = [[_flip_bit, _truncate], [Path.unlink, Path.unlink]]
    with application(cluster) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        frame = images(spark, workload.rows, workload.partitions)
        found: list[dict[str, int]] = []
        fetched_again = 0
        for damage in rounds:
            wait_for_closed_sessions(spark)
            damaged = _copies(cluster)
            for graph, harm in zip(damaged, damage, strict=True):
                harm(graph)
            found.append(compare(answers(stage, frame), workload.rows, expected))
            fetched_again += len(set(_copies(cluster)) - set(damaged))
        for graph in _copies(cluster):
            Bundle.read(graph.parent).verify_files()
        return {
            "copies_damaged": 2 * len(rounds),
            "copies_fetched_again": fetched_again,
            **total(found),
        }


def _copies(cluster: Cluster) -> list[Path]:
    """List the graphs of the executors' copies, one for each worker."""
    return [graph for worker in (1, 2) for graph in cluster.local_folder(worker).glob(COPIES)]


def disk_fails(folder: Path, workload: Workload) -> Figures:
    """Return an executor a full or a read-only local directory: a clear error. Then a full one and a good one."""
    bundle = digits_variant(folder / "padded", padding_megabytes=MODEL_MEGABYTES)
    refusals = {
        "No space left on device": _refusal(folder, bundle, read_only=False),
        "Read-only file system": _refusal(folder, bundle, read_only=True),
    }
    for reason, refusal in refusals.items():
        assert reason in refusal and str(folder / "disk") in refusal, refusal
    # Where a disk is read-only Spark itself can run no task, and it is Spark who says so.
    assert "spark.local.dir" in refusals["No space left on device"], refusals
    roomy, rows = folder / "roomy", len(image_files())
    with (
        _failing_disk(folder / "disk") as disk,
        _one_worker(folder, [disk, roomy]) as cluster,
        application(cluster) as spark,
    ):
        expected = undisturbed(spark, classifier(spark))
        given = answers(classifier(spark, bundle), images(spark, rows, partitions=4))
        passed_over = any(copy.stat().st_size > MODEL_MEGABYTES << 20 for copy in roomy.glob(COPIES))
    return {
        "clear_errors": len(refusals),
        "full_directory_passed_over": passed_over,
        **compare(given, rows, expected),
    }


def _refusal(folder: Path, bundle: Path, *, read_only: bool) -> str:
    """Return the error of a job whose executor has nothing but the failing disk."""
    with _failing_disk(folder / "disk") as disk, _one_worker(folder, [disk]) as cluster, application(cluster) as spark:
        executors(spark, count=1)
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        try:
            undisturbed(spark, classifier(spark, bundle))
        except Exception as error:
            return str(error)
        finally:
            if read_only:
                subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    raise AssertionError("the model found room on a disk that has none")


def _one_worker(folder: Path, local_directories: list[Path]) -> Cluster:
    return Cluster.start(folder / "cluster", workers=1, local_directories={1: local_directories})


@contextmanager
def _failing_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk without room for the model (needs root)."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MEGABYTES}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _flip_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _truncate(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
