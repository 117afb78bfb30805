"""The platforms that there are wheels for. Standard library only: a build environment has nothing else."""

from __future__ import annotations

import platform
import sys
from pathlib import PurePosixPath

# The newest system that a native in the jars asks for decides, and that is the preset of OpenCV 4.13.0:
# libopencv_imgproc and the libgcc_s beside it need glibc 2.35, its macOS libraries macOS 15 (libonnxruntime 1.28.0
# would be content with glibc 2.27 and macOS 14). tests/packaging holds these tags to the natives. The names are those
# of project/WheelPlatform.scala.
WHEEL_TAGS = {
    "linux-x86_64": "py3-none-manylinux_2_35_x86_64",
    "linux-aarch64": "py3-none-manylinux_2_35_aarch64",
    "macos-arm64": "py3-none-macosx_15_0_arm64",
}


def own_platform() -> str:
    """Return this machine's platform.

    Raises
    ------
    RuntimeError
        When there is no wheel for it.
    """
    system = {"darwin": "macos"}.get(sys.platform, sys.platform)
    found = f"{system}-{platform.machine()}"
    if found not in WHEEL_TAGS:
        raise RuntimeError(f"There are SparkVision wheels for {', '.join(WHEEL_TAGS)}; this machine is {found}.")
    return found


def jars_folder(name: str) -> PurePosixPath:
    """Return the folder of a platform's jars, relative to the repository: this machine's are the package's own."""
    if name not in WHEEL_TAGS:
        raise RuntimeError(f"There are SparkVision wheels for {', '.join(WHEEL_TAGS)}, not for {name}.")
    if name == own_platform():
        return PurePosixPath("python/sparkvision/jars")
    return PurePosixPath("target/wheel-jars") / name
