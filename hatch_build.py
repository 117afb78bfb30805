"""Hatch's build hook: put the jars into the package and say on which platform the wheel runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Another platform than this machine's, when scripts/build_packages.py makes its wheel.
PLATFORM = "SPARKVISION_PLATFORM"


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
            For a platform that there is no wheel for, and when sbt fails.
        """
        scripts = Path(self.root) / "scripts"
        sys.path.insert(0, str(scripts))
        from platforms import WHEEL_TAGS, jars_folder, own_platform

        platform = os.environ.get(PLATFORM) or own_platform()
        folder = jars_folder(platform)
        if subprocess.run([sys.executable, str(scripts / "build_jars.py"), platform], check=False).returncode != 0:
            raise RuntimeError("The jars could not be built. Run `scripts/sbt wheelJars` to see why; it needs Java 17.")
        build_data["pure_python"] = False
        build_data["infer_tag"] = False
        build_data["tag"] = WHEEL_TAGS[platform]
        # An editable install finds them where they are.
        for jar in (Path(self.root) / folder).glob("*.jar") if version == "standard" else ():
            build_data["force_include"][str(jar)] = f"sparkvision/jars/{jar.name}"
