"""Opening a bundle in the JVM with settings: `open_model`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparkvision._engine.gateway import jvm
from sparkvision._spark.embedded import SCHEME
from sparkvision._spark.scala_errors import scala_errors
from sparkvision.bundle import require_existing


def open_model(bundle: str | Path, settings: Mapping[str, Any]) -> Any:
    """Open a bundle in the JVM and return its LocalModelBytes.

    Parameters
    ----------
    bundle
        The folder of a bundle, or ``embedded:NAME``.
    settings
        The settings by the names of the stages' Params; a setting of None is unset. The engine refuses a name that it
        does not know, because a setting that is ignored would change the results silently.
    """
    if not str(bundle).startswith(SCHEME):
        require_existing(bundle)
    given = {name: value for name, value in settings.items() if value is not None}
    with scala_errors():
        return jvm().sparkvision.engine.LocalModelBytes.openWith(str(bundle), json.dumps(given))
