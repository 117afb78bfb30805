"""The versions and the machine of a verification, so that its report can be understood elsewhere and later."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from sparkvision._version import VERSION


def versions() -> dict[str, str]:
    """Return the version of every library that affects the numbers, SparkVision's side first."""
    from sparkvision._engine.gateway import jvm

    java = jvm()
    return {
        "SparkVision": VERSION,
        "ONNX Runtime": java.ai.onnxruntime.OrtEnvironment.getEnvironment().getVersion(),
        "Java": java.java.lang.System.getProperty("java.version"),
        **{name: metadata.version(name) for name in ("transformers", "torch", "Pillow", "NumPy")},
        "Python": platform.python_version(),
    }


def machine() -> dict[str, str]:
    """Return the processor, the number of cores that this process may use, and the system."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
    }


def _processor() -> str:
    """Return the processor's name from Linux, where `platform.processor` is usually empty."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
