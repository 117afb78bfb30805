"""The model bundle: the one contract between the exporter (Python, writes) and the engine (Scala, reads).

A bundle is a folder holding the ONNX graph, its assets, a golden pair, and `sparkvision.json`, the manifest that
names them all. This module needs neither torch nor onnx: it reads, writes and checks the manifest and the files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sparkvision.errors import BundleError, ParameterError
from sparkvision.manifest import MANIFEST, FileEntry, Manifest

GRAPH = "model.onnx"
LABELS = "assets/labels.json"
PREPROCESSOR = "assets/preprocessor_config.json"
GOLDEN_INPUT = "golden/input.f32"
GOLDEN_OUTPUT = "golden/output.f32"
# Files of models that compare images with texts.
TEXT_GRAPH = "text_model.onnx"
TOKENIZER = "assets/tokenizer.json"
LABEL_EMBEDDINGS = "assets/label_embeddings.f32"
TEXT_GOLDEN_INPUT = "golden/text_input.f32"
TEXT_GOLDEN_OUTPUT = "golden/text_output.f32"

# Files in these folders accompany the model. All other files are the model: the graph and its external data.
_NOT_THE_MODEL = ("assets/", "golden/")


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk: its folder and the manifest read from it.

    Examples
    --------
    >>> bundle = Bundle.read("my-vit")  # doctest: +SKIP
    >>> bundle.verify_files()  # doctest: +SKIP
    >>> bundle.manifest.labels[:2]  # doctest: +SKIP
    ('tench', 'goldfish')
    """

    folder: Path
    manifest: Manifest

    @staticmethod
    def read(folder: str | Path) -> Bundle:
        """Read the manifest of a bundle; the files it names are checked by `verify_files`.

        Parameters
        ----------
        folder : str or Path
            The bundle's folder.

        Raises
        ------
        ParameterError
            If there is nothing at this path.
        BundleError
            If it is a file, the folder has no manifest, or the manifest is damaged or names a path outside the folder.
        """
        folder = Path(folder)
        require_existing(folder)
        if not folder.is_dir():
            raise BundleError(f"{folder} is a file; make a bundle with `sparkvision export SOURCE OUT`")
        if not (folder / MANIFEST).is_file():
            raise BundleError(f"{folder} holds no {MANIFEST}; make a bundle with `sparkvision export SOURCE OUT`")
        try:
            value = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise BundleError(f"{folder / MANIFEST} is not JSON ({error}); export the model again") from error
        manifest = Manifest.from_json(value)
        named = (GRAPH, manifest.golden.input, manifest.golden.output, *(manifest.text.files if manifest.text else ()))
        for name in (*named, *manifest.files):
            require_inside(folder, name)
        for name in named:
            if name not in manifest.files:
                raise BundleError(f"{folder / MANIFEST} does not list {name} in files; export the model again")
        return Bundle(folder, manifest)

    def verify_files(self) -> None:
        """Compare size and SHA-256 of every file with the manifest.

        Raises
        ------
        BundleError
            When a file is missing or differs from the manifest; the message names the first such file.
        """
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise BundleError(f"{path} is missing; copy the bundle again, or export the model again")
            found = describe_file(path)
            if found != entry:
                raise BundleError(
                    f"{path} is damaged: {found.size} bytes with SHA-256 {found.sha256}, expected {entry.size} with "
                    f"{entry.sha256}; copy the bundle again, or export the model again"
                )

    def model_files(self) -> list[str]:
        """Return the names of the graph and its external data, sorted."""
        return sorted(name for name in self.manifest.files if not name.startswith(_NOT_THE_MODEL))

    def model_hash(self) -> str:
        """Return the identity of the model: a SHA-256 over name and SHA-256 of the graph and its external data.

        Returns
        -------
        str
            64 hexadecimal digits. Equal models have equal hashes, whatever their folders and assets are.
        """
        files = self.manifest.files
        lines = [f"{name} {files[name].sha256}\n" for name in self.model_files()]
        return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()

    def size(self) -> int:
        """Return the size of all files of the manifest in bytes."""
        return sum(entry.size for entry in self.manifest.files.values())


def require_existing(folder: str | Path) -> None:
    """Refuse the path of a bundle that does not exist on this machine.

    Raises
    ------
    ParameterError
        When there is nothing at this path.
    """
    if not Path(folder).exists():
        raise ParameterError(f"{folder}: there is no such folder; make a bundle with `sparkvision export SOURCE OUT`")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `sparkvision.json` into the folder, as indented UTF-8 JSON."""
    text = json.dumps(manifest.to_json(), indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Describe every file below the folder except the manifest, by its relative path with ``/``."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: describe_file(path) for name, path in names.items() if name != MANIFEST}


def describe_file(path: Path) -> FileEntry:
    """Return size and SHA-256 of a file. It is read in pieces, because models are large."""
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(path):
        digest.update(piece)
        size += len(piece)
    return FileEntry(digest.hexdigest(), size)


def require_inside(folder: Path, name: str) -> None:
    """Refuse a path that is not a plain relative path or that leaves the bundle, even through a symbolic link.

    A bundle is untrusted input: its manifest must not be able to name other files of the machine.

    Raises
    ------
    BundleError
        When the path is refused; the message names it.
    """
    parts = PurePosixPath(name).parts
    plain = name == "/".join(parts) and name not in ("", ".") and not name.startswith("/")
    if not plain or ".." in parts or "\\" in name or ":" in name or "\0" in name:
        raise BundleError(f"{folder / MANIFEST} names {name!r}, which is not a plain path inside the bundle; refused")
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{folder / name} leads outside the bundle through a symbolic link; refused")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece
