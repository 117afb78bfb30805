"""Things that a ``with`` block closes at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

ClosingType = TypeVar("ClosingType", bound="Closing")


class Closing(ABC):
    """Something that a ``with`` block closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held."""

    def __enter__(self: ClosingType) -> ClosingType:
        """Give this object, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
