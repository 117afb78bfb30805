"""Class labels in the order of their ids: from a checkpoint's config, or from a file the user gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparkvision.errors import ExportError

_FORMATS = 'a JSON object {"label": id}, a JSON array of labels in id order, or a text file with one label per line'

# Names, and ids of a name, that a warning lists: a wrong file may have thousands.
_MOST_LISTED = 4


def from_config(id2label: Mapping[int, str]) -> tuple[str, ...]:
    """Give the labels of a checkpoint in id order.

    Parameters
    ----------
    id2label : mapping of int to str
        As transformers' config holds it.

    Raises
    ------
    ExportError
        If the ids are not 0, 1, 2 ... without gap.
    """
    return _in_id_order([(str(label), int(index)) for index, label in id2label.items()], "the checkpoint's id2label")


def from_file(path: str | Path, expected: int | None = None) -> tuple[str, ...]:
    """Read labels from a file.

    Parameters
    ----------
    path : str or Path
        A JSON object ``{"label": id}``, a JSON array in id order, or text with one label per line in id order. A name
        may occur twice.
    expected : int, optional
        How many labels the model has. Default: that is found out later.

    Raises
    ------
    ExportError
        If the file cannot be read, is none of these, or holds another number of labels.
    """
    path = Path(path)
    if not path.is_file():
        raise ExportError(f"{path}: there is no such labels file; give {_FORMATS}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{path}: the labels file cannot be read as UTF-8 text ({error}); give {_FORMATS}") from error
    found = _parse(text, path)
    if expected is not None and len(found) != expected:
        raise ExportError(
            f"{path} holds {len(found)} labels, but the model has {expected} classes; give one label per class, "
            "or leave the labels file away to use the checkpoint's own"
        )
    return found


def shared_names(labels: Sequence[str]) -> str | None:
    """Say which names several classes share, and what follows; None where each has its own.

    Parameters
    ----------
    labels : sequence of str
        In the order of their ids.
    """
    ids: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        ids.setdefault(label, []).append(index)
    shared = [f"{label!r} (ids {_listed(several)})" for label, several in ids.items() if len(several) > 1]
    if not shared:
        return None
    return (
        f"warning: several classes are called {_listed(shared)}: results tell them apart by their ids, not by their "
        "labels; --labels FILE gives classes other names"
    )


def _listed(several: Sequence[object]) -> str:
    more = len(several) - _MOST_LISTED
    return ", ".join(map(str, several[:_MOST_LISTED])) + (f" and {more} more" if more > 0 else "")


def to_ids(labels: tuple[str, ...]) -> dict[str, int]:
    """Give ``{label: id}`` as Spark NLP reads it; it knows classes that share a name by the last one's id alone."""
    return {label: index for index, label in enumerate(labels)}


def _parse(text: str, path: Path) -> tuple[str, ...]:
    if not text.lstrip().startswith(("{", "[")):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        # An object is kept as a list of pairs: a dict would drop labels that occur twice.
        value: Any = json.loads(text, object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        raise ExportError(f"{path} is not valid JSON ({error}); give {_FORMATS}") from error
    if isinstance(value, list) and all(isinstance(label, str) for label in value):
        return tuple(value)
    if isinstance(value, tuple) and all(type(index) is int for _, index in value):
        return _in_id_order(list(value), str(path))
    raise ExportError(f"{path} does not hold labels; give {_FORMATS}")


def _in_id_order(pairs: list[tuple[str, int]], where: str) -> tuple[str, ...]:
    by_id = {index: label for label, index in pairs}
    for index in range(len(pairs)):
        if index not in by_id:
            raise ExportError(
                f"{where} has {len(pairs)} labels but none for id {index}; ids must be 0, 1, 2 ... each once"
            )
    return tuple(by_id[index] for index in range(len(pairs)))
