"""What a verification was computed with and on, so that a report can be understood elsewhere and later."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from sparkvision import __version__


def versions() -> dict[str, str]:
    """Give the version of everything that has a part in the numbers, SparkVision's side first."""
    from sparkvision._engine.gateway import jvm

    java = jvm()
    return {
        "SparkVision": __version__,
        "ONNX Runtime": java.ai.onnxruntime.OrtEnvironment.getEnvironment().getVersion(),
        "Java": java.java.lang.System.getProperty("java.version"),
        **{name: metadata.version(name) for name in ("transformers", "torch", "Pillow", "NumPy")},
        "Python": platform.python_version(),
    }


def machine() -> dict[str, str]:
    """Give the processor, how many of its cores this process may use, and the system."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
    }


def _processor() -> str:
    """Give the processor's name as Linux tells it; `platform.processor` is mostly empty there."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
