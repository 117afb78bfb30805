"""The models inside the package's own jar, ``embedded:NAME``, read without a JVM."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

from sparkvision._spark.jars import jars
from sparkvision.errors import BundleError

# EmbeddedModels.scala's.
SCHEME = "embedded:"
_FOLDER = "sparkvision/models/"


@contextmanager
def local_folder(bundle: str | Path) -> Iterator[Path]:
    """Give the folder of a bundle; that of an embedded one is there for the length of the block.

    Parameters
    ----------
    bundle
        A folder, or ``embedded:NAME``.

    Raises
    ------
    BundleError
        When the jar holds no model of this name.
    SessionError
        When this installation has no jars.
    """
    if not str(bundle).startswith(SCHEME):
        yield Path(bundle)
        return
    with tempfile.TemporaryDirectory(prefix="sparkvision") as temporary:
        yield _unpacked(str(bundle), Path(temporary))


def _unpacked(bundle: str, temporary: Path) -> Path:
    folder = f"{_FOLDER}{bundle.removeprefix(SCHEME)}/"
    known: set[str] = set()
    for jar in jars():
        with ZipFile(jar) as archive:
            inside = [name for name in archive.namelist() if name.startswith(_FOLDER) and not name.endswith("/")]
            known |= {name.removeprefix(_FOLDER).partition("/")[0] for name in inside}
            chosen = [name for name in inside if name.startswith(folder)]
            archive.extractall(temporary, chosen)
            if chosen:
                return temporary / folder
    names = ", ".join(f"{SCHEME}{name}" for name in sorted(known))
    raise BundleError(f"There is no embedded model '{bundle}'; this installation holds {names}.")
