"""Executors' local disks that fail: copies of models that are damaged, and directories that are full or read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reliability.application import (
    answers,
    application,
    classifier,
    compare,
    executors,
    picture_files,
    pictures,
    task_counts,
    undisturbed,
    wait_for_closed_sessions,
)
from reliability.cluster import Cluster
from reliability.model_variants import digits_variant
from reliability.workload import Figures, Workload
from sparkvision.bundle import Bundle

# Room for the jars, which executors keep there too, and not for the model.
SMALL_DISK_MEGABYTES = 48
MODEL_MEGABYTES = 64


def copies_damaged(cluster: Cluster, workload: Workload) -> Figures:
    """Flip a bit of one executor's copy, truncate the other's; then delete both."""
    with application(cluster) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        found: dict[str, int] = {}
        for number, damage in enumerate([(_flip_bit, _truncate), (_delete, _delete)], start=1):
            wait_for_closed_sessions(spark)
            for worker, harm in enumerate(damage, start=1):
                (graph,) = cluster.local_folder(worker).glob("**/sparkvision-model-*/model.onnx")
                harm(graph)
            frame = pictures(spark, workload.rows, workload.partitions)
            given = answers(stage, frame)
            found = compare(given, workload.rows, expected)
            wrong = found["rows_lost"] + found["rows_duplicated"] + found["rows_with_another_answer"]
            assert wrong == 0, found
            assert task_counts(spark)["failed"] >= 2 * number, "the damage was not noticed"
        copies = [
            graph.parent for w in (1, 2) for graph in cluster.local_folder(w).glob("**/sparkvision-model-*/model.onnx")
        ]
        for copy in copies:
            Bundle.read(copy).verify_files()
        return {"copies_damaged": 4, "copies_fetched_again": task_counts(spark)["failed"], **found}


def disk_fails(folder: Path, workload: Workload) -> Figures:
    """Give executors a full or read-only local directory: alone a clear error, before another one passed over."""
    bundle = digits_variant(folder / "padded", padding_megabytes=MODEL_MEGABYTES)
    refusals = [_refusal(folder, bundle, read_only=False), _refusal(folder, bundle, read_only=True)]
    for refusal, reason in zip(refusals, ("No space left on device", "Read-only file system"), strict=True):
        assert reason in refusal and "spark.local.dir" in refusal, refusal
    with _failing_disk(folder / "disk") as disk, _one_worker(folder, [disk, folder / "roomy"]) as cluster:
        with application(cluster) as spark:
            given = answers(classifier(spark, bundle), pictures(spark, len(picture_files()), 4))
            passed_over = any((folder / "roomy").glob("**/sparkvision-model-*"))
    return {"clear_errors": len(refusals), "full_directory_passed_over": passed_over, "rows": len(given)}


def _refusal(folder: Path, bundle: Path, *, read_only: bool) -> str:
    """Give the error of a job whose executor has nothing but the failing disk."""
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


def _delete(file: Path) -> None:
    file.unlink()
