"""NVIDIA's CUDA libraries: those that this machine has, and those that an ONNX Runtime needs."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

# The libraries that `readelf -d libonnxruntime_providers_cuda.so` lists as NEEDED in onnxruntime_gpu 1.28.0, and in
# JavaCPP's build for CUDA 13; and cuDNN.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "cuda12": ("libcublasLt.so.12", "libcublas.so.12", "libcudart.so.12", "libcurand.so.10", "libcudnn.so.9"),
    "cuda13": ("libcublasLt.so.13", "libcublas.so.13", "libcudart.so.13", "libcufft.so.12", "libcudnn.so.9"),
}
PACKAGES: Mapping[str, str] = {
    "cuda12": "nvidia-cublas-cu12 nvidia-cuda-runtime-cu12 nvidia-curand-cu12 nvidia-cudnn-cu12",
    "cuda13": "nvidia-cublas nvidia-cuda-runtime nvidia-cufft nvidia-cudnn-cu13",
}
DRIVER = "libcuda.so.1"

_LIBRARY = re.compile(r"lib(cublas|cublasLt|cudart|curand|cufft|cudnn|cuda)\.so\.\d+")


def libraries() -> dict[str, Path]:
    """Find CUDA's libraries where the JVM's loader finds them: in ``LD_LIBRARY_PATH`` and the list of the system.

    Returns
    -------
    dict
        The file of each library by its name (``libcublas.so.12``).
    """
    folders = [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    return {path.name: path for path in (*_of_system(), *_within(folders))}


def pip_libraries() -> dict[str, Path]:
    """Find the libraries of NVIDIA's Python packages, which the JVM's loader does not find by itself."""
    return {path.name: path for path in _within(Path(sysconfig.get_path("purelib")).glob("nvidia/*/lib"))}


def choose(found: Iterable[str]) -> str:
    """Return the runtime whose libraries are all found; ``cuda12`` if that is true for neither or for both."""
    return "cuda13" if _missing("cuda13", found) == [] and _missing("cuda12", found) else "cuda12"


def problem(runtime: str) -> str | None:
    """Describe which libraries of a runtime this machine lacks, and the remedy; None if it has all of them.

    Parameters
    ----------
    runtime
        ``cuda12`` or ``cuda13``.
    """
    found = libraries()
    missing = [name for name in (*NEEDED[runtime], DRIVER) if name not in found]
    if not missing:
        return None
    generation = runtime.removeprefix("cuda")
    parts = [f"This machine lacks what the runtime for CUDA {generation} needs: {', '.join(missing)}."]
    other = "cuda13" if runtime == "cuda12" else "cuda12"
    if not _missing(other, found):
        parts.append(f'It has CUDA {other.removeprefix("cuda")}: use start(gpu="{other}").')
    elif set(NEEDED[runtime]).intersection(missing):
        parts.append(_remedy(runtime, missing))
    if DRIVER in missing:
        parts.append(f"{DRIVER} comes with NVIDIA's driver.")
    return " ".join(parts)


def _remedy(runtime: str, missing: list[str]) -> str:
    of_pip = pip_libraries()
    if set(NEEDED[runtime]).intersection(missing) <= of_pip.keys():
        folders = sorted({str(of_pip[name].parent) for name in NEEDED[runtime] if name in of_pip})
        return f"Python's packages have them; before Python starts, export LD_LIBRARY_PATH={os.pathsep.join(folders)}"
    return f"Install CUDA {runtime.removeprefix('cuda')} and cuDNN 9, or `pip install {PACKAGES[runtime]}`."


def _missing(runtime: str, found: Iterable[str]) -> list[str]:
    names = set(found)
    return [name for name in NEEDED[runtime] if name not in names]


def _within(folders: Iterable[Path]) -> list[Path]:
    return [file for folder in folders for file in folder.glob("*.so.*") if _LIBRARY.fullmatch(file.name)]


def _of_system() -> list[Path]:
    try:
        listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    except OSError:  # a system without ldconfig, such as a minimal container
        return []
    paths = (Path(line.rpartition("=> ")[2].strip()) for line in listed.splitlines() if "=> " in line)
    return [path for path in paths if _LIBRARY.fullmatch(path.name)]
