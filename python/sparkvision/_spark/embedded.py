"""Models by their names: where names are looked up, and the models in the package's own jar, read without a JVM."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

from sparkvision._spark.jars import jars
from sparkvision.bundle import require_existing
from sparkvision.errors import BundleError

# As in EmbeddedModels.scala.
SCHEME = "embedded:"
_FOLDER = "sparkvision/models/"

# As in PretrainedModels.scala: the variable and the setting that name a model home.
HOME_VARIABLE = "SPARKVISION_HOME"
HOME_SETTING = "spark.sparkvision.modelHome"


def embedded_names() -> list[str]:
    """Return the names of the embedded models, sorted.

    Raises
    ------
    SessionError
        When this installation has no jars.
    """
    found = set()
    for jar in jars():
        with ZipFile(jar) as archive:
            found |= {_name(entry) for entry in _entries(archive)}
    return sorted(found)


@contextmanager
def local_folder(bundle: str | Path) -> Iterator[Path]:
    """Yield the folder of a bundle. The folder of an embedded model exists until the end of the block.

    Parameters
    ----------
    bundle
        A folder, or ``embedded:NAME``.

    Raises
    ------
    ParameterError
        When the folder does not exist.
    BundleError
        When the jar holds no model of this name.
    SessionError
        When this installation has no jars.
    """
    if str(bundle).startswith(SCHEME):
        with tempfile.TemporaryDirectory(prefix="sparkvision") as temporary:
            yield _unpacked(str(bundle), Path(temporary))
        return
    require_existing(bundle)
    yield Path(bundle)


def _unpacked(bundle: str, temporary: Path) -> Path:
    name = bundle.removeprefix(SCHEME)
    for jar in jars():
        with ZipFile(jar) as archive:
            entries = [entry for entry in _entries(archive) if _name(entry) == name]
            if entries:
                archive.extractall(temporary, entries)
                return temporary / _FOLDER / name
    known = ", ".join(f"{SCHEME}{name}" for name in embedded_names())
    raise BundleError(f"There is no embedded model '{bundle}'; this installation holds {known}.")


def _entries(archive: ZipFile) -> list[str]:
    return [entry for entry in archive.namelist() if entry.startswith(_FOLDER) and not entry.endswith("/")]


def _name(entry: str) -> str:
    return entry.removeprefix(_FOLDER).partition("/")[0]
