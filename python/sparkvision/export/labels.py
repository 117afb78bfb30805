"""Class labels in the order of their ids, from a checkpoint or a file, and the candidate labels of zero-shot models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkvision.errors import ExportError, ParameterError

_FORMATS = 'a JSON object {"label": id}, a JSON array of labels in id order, or a text file with one label per line'

# The most names, and ids of a name, that a warning lists: a wrong file may have thousands.
_MOST_LISTED = 4

# The default of transformers' pipeline for zero-shot classification.
DEFAULT_TEMPLATE = "This is a photo of {}."


@dataclass(frozen=True)
class CandidateLabels:
    """The labels of a zero-shot bundle, and the sentence that each label is put into.

    Attributes
    ----------
    labels : tuple of str
        Empty for a bundle whose users name their own labels.
    template : str
        The sentence, with ``{}`` in the place of the label.

    Raises
    ------
    ExportError
        If the template has no place for a label.
    """

    labels: tuple[str, ...] = ()
    template: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        """Refuse a template that `str.format` would read in another way."""
        rest = self.template.replace("{}", "", 1)
        if rest == self.template or "{" in rest or "}" in rest:
            raise ExportError(
                f"hypothesis_template is {self.template!r}, but it must have {{}} once, where the label goes, and no "
                f"other brace: {DEFAULT_TEMPLATE!r}"
            )

    @staticmethod
    def of(labels: Sequence[str] | str | Path | None, template: str | None) -> CandidateLabels:
        """Read the options of an export.

        Parameters
        ----------
        labels : sequence of str, str, Path or None
            Labels, or the file that holds them.
        template : str or None
            The sentence. None stands for transformers' default.

        Raises
        ------
        ExportError
            If the file cannot be read, holds no label, or the template has no place for one.
        ParameterError
            If the file does not exist.
        """
        if labels is None:
            names: tuple[str, ...] = ()
        elif isinstance(labels, (str, Path)):
            names = from_file(labels)
        else:
            names = tuple(labels)
        if labels is not None and not names:
            raise ExportError("candidate_labels holds no label; give at least one, or omit candidate_labels")
        return CandidateLabels(names, DEFAULT_TEMPLATE if template is None else template)

    @property
    def sentences(self) -> list[str]:
        """One sentence for each label."""
        return [self.template.format(label) for label in self.labels]


def from_config(id2label: Mapping[int, str]) -> tuple[str, ...]:
    """Return the labels of a checkpoint in id order.

    Parameters
    ----------
    id2label : mapping of int to str
        As transformers' configuration holds it.

    Raises
    ------
    ExportError
        If the ids are not 0, 1, 2 ... without a gap.
    """
    return _in_id_order([(str(label), int(index)) for index, label in id2label.items()], "the checkpoint's id2label")


def from_file(path: str | Path, expected: int | None = None) -> tuple[str, ...]:
    """Read labels from a file.

    Parameters
    ----------
    path : str or Path
        A JSON object ``{"label": id}``, a JSON array in id order, or text with one label per line in id order. A name
        may occur more than once.
    expected : int, optional
        The number of labels that the model has. Default: the number is not checked here.

    Raises
    ------
    ParameterError
        If the file does not exist.
    ExportError
        If the file cannot be read, has none of these formats, or holds another number of labels.
    """
    path = Path(path)
    if not path.is_file():
        raise ParameterError(f"{path}: there is no such labels file; give {_FORMATS}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{path}: the labels file cannot be read as UTF-8 text ({error}); give {_FORMATS}") from error
    found = _parse(text, path)
    if expected is not None and len(found) != expected:
        raise ExportError(
            f"{path} holds {len(found)} labels, but the model has {expected} classes; give one label per class, "
            "or omit the labels file to use the checkpoint's own labels"
        )
    return found


def shared_names(labels: Sequence[str]) -> str | None:
    """Return a warning that lists the names that several classes share, or None if every class has its own name.

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


def to_ids(labels: tuple[str, ...]) -> dict[str, int]:
    """Return ``{label: id}``, which Spark NLP reads. Of classes with the same name only the last one's id remains."""
    return {label: index for index, label in enumerate(labels)}


def _listed(several: Sequence[object]) -> str:
    more = len(several) - _MOST_LISTED
    return ", ".join(map(str, several[:_MOST_LISTED])) + (f" and {more} more" if more > 0 else "")


def _parse(text: str, path: Path) -> tuple[str, ...]:
    if not text.lstrip().startswith(("{", "[")):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        # An object is read as a list of pairs, because a dict would drop labels that occur more than once.
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
