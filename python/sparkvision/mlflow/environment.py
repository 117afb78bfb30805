"""The requirement for this SparkVision in the environment of a logged model: its name, its URL or its wheel."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sparkvision._version import VERSION
from sparkvision.errors import ParameterError

# The folder in which MLflow keeps the wheels of its own "wheeled" models. MLflow installs requirements in the folder of
# the model, so a relative path finds them.
WHEELS = "wheels"


class Installed(NamedTuple):
    """The requirement for the SparkVision of this Python environment.

    Attributes
    ----------
    requirement : str
        A line of a requirements file.
    wheel : Path or None
        The file that the requirement needs in the folder `WHEELS` of the model.
    """

    requirement: str
    wheel: Path | None


def installed() -> Installed:
    """Return the requirement for this SparkVision, from its origin as the installer recorded it (PEP 610).

    Raises
    ------
    ParameterError
        When no other machine could install it: it came from a folder, or its wheel is gone or has changed.
    """
    origin = _origin()
    if origin is None:  # a package index
        return Installed(f"sparkvision[mlflow]=={VERSION}", None)
    url = origin["url"]
    address = urlsplit(url)
    # The wheel of sparkvision-client has another name: without jars it cannot predict.
    if "archive_info" not in origin or not Path(address.path).match("sparkvision-*.whl"):
        raise _refusal(f"it was installed from {url}, which is no wheel of SparkVision")
    if address.scheme != "file":
        return Installed(f"sparkvision[mlflow] @ {url}", None)
    wheel = Path(url2pathname(address.path))
    if not wheel.is_file():
        raise _refusal(f"its wheel is no longer at {wheel}")
    expected = origin["archive_info"].get("hashes", {}).get("sha256")
    if expected not in (None, hashlib.sha256(wheel.read_bytes()).hexdigest()):
        raise _refusal(f"{wheel} has changed since it was installed")
    # The extra `mlflow` holds only MLflow, which MLflow adds to the requirements by itself.
    return Installed(f"{WHEELS}/{wheel.name}", wheel)


def _origin() -> dict[str, Any] | None:
    """Read direct_url.json, which exists if the package did not come from a package index."""
    try:
        text = distribution("sparkvision").read_text("direct_url.json")
    except PackageNotFoundError:
        text = distribution("sparkvision-client").read_text("direct_url.json")
    return None if text is None else json.loads(text)


def _refusal(why: str) -> ParameterError:
    wheel = f"/shared/sparkvision-{VERSION}-py3-none-manylinux_2_35_x86_64.whl"
    return ParameterError(
        f"This SparkVision does not come from a package index, and {why}. So nothing else could install it for the "
        f"model. Say what the model's environment must hold, for instance pip_requirements=['{wheel}', 'mlflow']: a "
        "path or URL that the machine with that environment can read. Or install SparkVision from its wheel and leave "
        "that file where it is: it is then packed into the model."
    )
