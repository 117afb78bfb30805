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
    """One way to label images.

    Attributes
    ----------
    module
        Of `bench.rivals`, run as a process.
    what
        What it is, for the page.
    precision
        Of the bundle that it is given.
    python, paths
        Its interpreter, and folders of packages that only it sees.
    options
        For its module.
    """

    module: str
    what: str
    precision: str = "fp32"
    python: Path = OWN_PYTHON
    paths: tuple[Path, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def _rival(module: str, what: str, **others: object) -> Peer:
    return Peer(f"bench.rivals.{module}", what, **others)  # type: ignore[arg-type]


REFERENCE = "onnxruntime"
PEERS: Mapping[str, Peer] = {
    REFERENCE: _rival("bare_onnxruntime", "onnxruntime alone, tensors ready"),
    "onnxruntime-int8": _rival("bare_onnxruntime", "the same, int8", precision="int8"),
    "sparkvision": _rival("spark_vision", "SparkVision"),
    "sparkvision-fast": _rival("spark_vision", "SparkVision, decodeMode=fast", options={"decodeMode": "fast"}),
    "sparkvision-int8": _rival("spark_vision", "SparkVision, int8", precision="int8"),
    "sparkvision-fp16": _rival("spark_vision", "SparkVision, fp16", precision="fp16"),
    "sparkvision-onednn": _rival("spark_vision", "SparkVision, oneDNN", options={"executionProvider": "onednn"}),
    "local-model": _rival("local_model", "SparkVision without Spark: LocalModel"),
    "pillow-onnxruntime": _rival("pillow_onnxruntime", "Pillow, slow processor, onnxruntime"),
    "transformers-slow": _rival("hf_pipeline", "transformers pipeline, slow processor", options={"processor": "slow"}),
    "transformers-fast": _rival(
        "hf_pipeline",
        "transformers pipeline, fast processor",
        paths=(ENVIRONMENTS / "torchvision",),
        options={"processor": "fast"},
    ),
    "pandas-udf": _rival("pandas_udf", "Spark pandas UDF, Pillow, onnxruntime"),
    "spark-nlp": _rival("spark_nlp", "Spark NLP 5.5.3", python=ENVIRONMENTS / "spark-nlp" / "bin" / "python"),
}
