"""The peers, by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.rivals.installation import ENVIRONMENTS

# The interpreter of the environment, not what its link leads to: that one would not see the environment's packages.
OWN_PYTHON = Path(sys.executable)


@dataclass(frozen=True)
class Peer:
    """One way to label pictures.

    Attributes
    ----------
    module
        Of `bench.rivals`, run as a process.
    what
        What it is, for the page.
    threads
        How it uses the cores.
    precision
        Of the bundle that it is given.
    python, paths
        Its interpreter, and folders of packages that only it sees.
    options
        For its module.
    """

    module: str
    what: str
    threads: str
    precision: str = "fp32"
    python: Path = OWN_PYTHON
    paths: tuple[Path, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def _rival(module: str, what: str, threads: str, **others: object) -> Peer:
    return Peer(f"bench.rivals.{module}", what, threads, **others)  # type: ignore[arg-type]


_ALL_CORES = "one process, as many threads as slots"
_A_THREAD_A_TASK = "a thread a task"

REFERENCE = "onnxruntime"
PEERS: Mapping[str, Peer] = {
    REFERENCE: _rival("bare_onnxruntime", "onnxruntime alone, tensors ready", _ALL_CORES),
    "onnxruntime-int8": _rival("bare_onnxruntime", "the same, int8", _ALL_CORES, precision="int8"),
    "sparkvision": _rival("spark_vision", "SparkVision", _A_THREAD_A_TASK),
    "sparkvision-fast": _rival(
        "spark_vision", "SparkVision, decodeMode=fast", _A_THREAD_A_TASK, options={"decodeMode": "fast"}
    ),
    "sparkvision-int8": _rival("spark_vision", "SparkVision, int8", _A_THREAD_A_TASK, precision="int8"),
    "sparkvision-fp16": _rival("spark_vision", "SparkVision, fp16", _A_THREAD_A_TASK, precision="fp16"),
    "sparkvision-onednn": _rival(
        "spark_vision", "SparkVision, oneDNN", _A_THREAD_A_TASK, options={"executionProvider": "onednn"}
    ),
    "local-model": _rival("local_model", "SparkVision without Spark: LocalModel", _ALL_CORES),
    "pillow-onnxruntime": _rival("pillow_onnxruntime", "Pillow, slow processor, onnxruntime", _ALL_CORES),
    "transformers-slow": _rival(
        "hf_pipeline", "transformers pipeline, slow processor", _ALL_CORES, options={"processor": "slow"}
    ),
    "transformers-fast": _rival(
        "hf_pipeline",
        "transformers pipeline, fast processor",
        _ALL_CORES,
        paths=(ENVIRONMENTS / "torchvision",),
        options={"processor": "fast"},
    ),
    "pandas-udf": _rival("pandas_udf", "Spark pandas UDF, Pillow, onnxruntime", _A_THREAD_A_TASK),
    "predict-batch-udf": _rival("predict_batch", "Spark predict_batch_udf, Pillow, onnxruntime", _A_THREAD_A_TASK),
    "mlflow": _rival("mlflow_udf", "MLflow spark_udf, Pillow, onnxruntime", _A_THREAD_A_TASK),
    "spark-nlp": _rival(
        "spark_nlp", "Spark NLP 5.5.3", _A_THREAD_A_TASK, python=ENVIRONMENTS / "spark-nlp" / "bin" / "python"
    ),
}
