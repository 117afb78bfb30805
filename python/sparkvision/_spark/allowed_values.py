"""Type converters of the generated stages' Params, as pyspark's own, that also check the value.

A setter, a constructor, `set` and `copy` then refuse a value at once, over Spark Connect too, where no JVM could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.ml.param import TypeConverters

from sparkvision.errors import ParameterError


class ColumnNames:
    """Names of columns, of which one alone may be a plain string."""

    # pyspark looks at a converter's name when it loads a stage.
    __name__ = "toListString"

    def __call__(self, value: Any) -> list[str]:
        """Return the names as a list."""
        names: list[str] = TypeConverters.toListString([value] if isinstance(value, str) else value)
        return names


@dataclass(frozen=True)
class OneOf:
    """One of a few names; AllowedValues.scala's twin.

    Parameters
    ----------
    param : str
        The Param's name.
    names : tuple of str
        The allowed names.

    Raises
    ------
    ParameterError
        When called with another name.
    """

    param: str
    names: tuple[str, ...]

    __name__ = "toString"

    # Any, because the type of the Param's values is the Literal of the names.
    def __call__(self, value: Any) -> Any:
        """Return the name."""
        name: str = TypeConverters.toString(value)
        if name not in self.names:
            raise ParameterError(f"{self.param} must be one of {', '.join(self.names)}, not {name!r}.")
        return name


@dataclass(frozen=True)
class _Number:
    param: str
    lowest: float
    highest: float | None = None

    def _checked(self, number: Any) -> Any:
        # Written so that NaN is in no range.
        if not (number >= self.lowest and (self.highest is None or number <= self.highest)):
            allowed = f"at least {self.lowest}" if self.highest is None else f"between {self.lowest} and {self.highest}"
            raise ParameterError(f"{self.param} must be {allowed}, not {number}.")
        return number


class WholeNumber(_Number):
    """A whole number from `lowest` to `highest`, both included; AllowedValues.scala's twin.

    Parameters
    ----------
    param : str
        The Param's name.
    lowest : int
        The smallest allowed value.
    highest : int, optional
        The largest allowed value. Default: there is none.

    Raises
    ------
    ParameterError
        When called with a number outside this range.
    """

    __name__ = "toInt"

    def __call__(self, value: Any) -> int:
        """Return the number."""
        number: int = self._checked(TypeConverters.toInt(value))
        return number


class Number(_Number):
    """A number from `lowest` to `highest`, as `WholeNumber`."""

    __name__ = "toFloat"

    def __call__(self, value: Any) -> float:
        """Return the number."""
        number: float = self._checked(TypeConverters.toFloat(value))
        return number
