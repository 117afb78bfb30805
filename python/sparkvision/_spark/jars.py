"""The jars that Spark needs: those of this installation, and the requested ONNX Runtime."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

from sparkvision._spark import cuda, runtimes
from sparkvision.errors import ParameterError, SessionError

Gpu: TypeAlias = bool | Literal["cuda12", "cuda13"]

CPU_RUNTIME_PREFIX = "onnxruntime-"


def jars(*, gpu: Gpu = False, onednn: bool | str | Path = False, ivy_settings: str | None = None) -> list[Path]:
    """List the jars that Spark needs.

    Parameters
    ----------
    gpu
        Omit the CPU runtime. Spark fetches the runtime for CUDA 12 by its Maven coordinate; that for CUDA 13 is fetched
        here.
    onednn
        Use the runtime with oneDNN instead of the CPU runtime: True fetches it; a path is a folder that holds its jars.
    ivy_settings
        An Ivy settings file for the runtimes that are fetched.

    Returns
    -------
    list of Path
        The project's jar, the decoder's natives, the tokenizers, Lucene, and the runtime's jars.

    Raises
    ------
    SessionError
        When the installation holds no jars (a source tree that was not built), or a runtime cannot be fetched.
    ParameterError
        When both ``gpu`` and ``onednn`` are given.
    """
    _require_one_runtime(gpu, onednn)
    installed = Path(str(files("sparkvision"))) / "jars"
    found = sorted(installed.glob("*.jar"))
    if not found:
        raise SessionError(
            f"There are no jars in {installed}: this is sparkvision-client, which only connects to servers, or a "
            "source tree that was not built. Install sparkvision in its place, or run scripts/quickstart in the "
            "source tree."
        )
    if not gpu and not onednn:
        return found
    own = [jar for jar in found if not jar.name.startswith(CPU_RUNTIME_PREFIX)]
    if onednn:
        folder = None if isinstance(onednn, bool) else onednn
        return own + runtimes.runtime_jars(runtimes.ONEDNN, folder, ivy_settings)
    if cuda_generation(gpu) == "cuda13":
        return own + runtimes.runtime_jars(runtimes.CUDA_13, None, ivy_settings)
    return own


def _require_one_runtime(gpu: Gpu, onednn: bool | str | Path) -> None:
    if gpu and onednn:
        raise ParameterError("gpu and onednn are different ONNX Runtimes, and a session has one: choose.")
    if gpu not in (True, False, *cuda.NEEDED):
        raise ParameterError(f'gpu is True, "cuda12" or "cuda13", not {gpu!r}.')


def cuda_generation(gpu: Gpu) -> str:
    """Return the requested generation of CUDA, or else the generation whose libraries this machine has."""
    return gpu if isinstance(gpu, str) else cuda.choose(cuda.libraries())


def gpu_runtime() -> str:
    """Return the Maven coordinate of the runtime for CUDA 12, of the same version as the CPU runtime among the jars."""
    (cpu,) = (jar for jar in jars() if jar.name.startswith(CPU_RUNTIME_PREFIX))
    version = cpu.name.removeprefix(CPU_RUNTIME_PREFIX).partition("-")[0]
    return f"com.microsoft.onnxruntime:onnxruntime_gpu:{version}"
