"""Hatch's build hook: put the jars into the package and say on which platforms the wheel runs."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The newest glibc that a native in the jars asks for decides: libonnxruntime 1.28.0 asks for 2.27, but the preset of
# OpenCV 4.13.0 (libopencv_imgproc, and the libgcc_s beside it) for 2.35. tests/packaging holds this tag to the natives.
WHEEL_TAG = "py3-none-manylinux_2_35_x86_64"


class WheelJarsHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling has no public bound for its config type
    """Build what is stale with sbt before hatch collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one wheel.

        Parameters
        ----------
        version : str
            Hatch's word for the kind of wheel, ``standard`` or ``editable``.
        build_data : dict
            What hatch is told about the wheel; changed in place.

        Raises
        ------
        RuntimeError
            On another platform than Linux x86_64, and when sbt fails.
        """
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            found = f"{sys.platform} {platform.machine()}"
            raise RuntimeError(
                f"SparkVision's wheel carries natives for Linux x86_64; this is {found}. Build it there."
            )
        script = Path(self.root) / "scripts" / "build_jars.py"
        if subprocess.run([sys.executable, str(script)], check=False).returncode != 0:
            raise RuntimeError("The jars could not be built. Run `scripts/sbt wheelJars` to see why; it needs Java 17.")
        build_data["pure_python"] = False
        build_data["infer_tag"] = False
        build_data["tag"] = WHEEL_TAG
