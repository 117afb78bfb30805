"""What a zero-shot model is to choose among when its user names no labels: fixed at export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkvision.errors import ExportError
from sparkvision.export import labels

# That of transformers' pipeline for the task.
DEFAULT_TEMPLATE = "This is a photo of {}."


@dataclass(frozen=True)
class CandidateLabels:
    """Labels, and the sentence that each is put into.

    Attributes
    ----------
    labels : tuple of str
        None for a bundle whose users name their own.
    template : str
        With ``{}`` in the place of the label.

    Raises
    ------
    ExportError
        If the template has no place for a label.
    """

    labels: tuple[str, ...] = ()
    template: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        """Refuse what str.format would read as something else."""
        rest = self.template.replace("{}", "", 1)
        if rest == self.template or "{" in rest or "}" in rest:
            raise ExportError(
                f"hypothesis_template is {self.template!r}, but it must have {{}} once, where the label goes, and no "
                f"other brace: {DEFAULT_TEMPLATE!r}"
            )

    @property
    def sentences(self) -> list[str]:
        """A sentence for each label."""
        return [self.template.format(label) for label in self.labels]


def from_options(candidate_labels: Sequence[str] | str | Path | None, template: str | None) -> CandidateLabels:
    """Give what the options of an export ask for.

    Parameters
    ----------
    candidate_labels : sequence of str, str, Path or None
        Labels, or the file that holds them.
    template : str or None
        None for transformers' own.

    Raises
    ------
    ExportError
        If the file cannot be read, there is no label in it, or the template has no place for one.
    """
    if candidate_labels is None:
        names: tuple[str, ...] = ()
    elif isinstance(candidate_labels, (str, Path)):
        names = labels.from_file(candidate_labels)
    else:
        names = tuple(candidate_labels)
    if candidate_labels is not None and not names:
        raise ExportError("candidate_labels holds no label; give at least one, or leave it away")
    return CandidateLabels(names, DEFAULT_TEMPLATE if template is None else template)
