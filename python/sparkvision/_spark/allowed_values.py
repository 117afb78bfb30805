"""Which values a Param of the generated stages may have: pyspark's type converters that also check the value.

A setter, `set` and `copy` then refuse a value at once, over Spark Connect too, where no JVM could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.ml.param import TypeConverters

from sparkvision.errors import ParameterError


@dataclass(frozen=True)
class OneOf:
    """One of a few names; AllowedValues.scala's twin.

    Parameters
    ----------
    param : str
        The Param's name.
    names : tuple of str
        What it may be.

    Raises
    ------
    ParameterError
        When called with another name.
    """

    param: str
    names: tuple[str, ...]

    # pyspark looks at a converter's name when it loads a stage.
    __name__ = "toString"

    def __call__(self, value: Any) -> str:
        """Give the name."""
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
        The largest one. Default: there is none.

    Raises
    ------
    ParameterError
        When called with a number outside of it.
    """

    __name__ = "toInt"

    def __call__(self, value: Any) -> int:
        """Give the number."""
        number: int = self._checked(TypeConverters.toInt(value))
        return number


class Number(_Number):
    """As `WholeNumber`, of any number."""

    __name__ = "toFloat"

    def __call__(self, value: Any) -> float:
        """Give the number."""
        number: float = self._checked(TypeConverters.toFloat(value))
        return number
