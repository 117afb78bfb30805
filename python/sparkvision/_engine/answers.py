"""What the JVM's engine answers for pictures, some at a time: `answers` and `floats`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sparkvision import errors
from sparkvision._engine.image import Picture, listed
from sparkvision._engine.packing import packed_calls, unpack
from sparkvision._spark.stage import scala_errors

OnError = Literal["raise", "null"]


def answers(
    scala: Callable[[bytes], str],
    given: Picture | Sequence[Picture],
    number: Callable[[str], Any] = float,
    on_error: OnError = "null",
) -> list[dict[str, Any]]:
    """Give the JVM's answer for each picture, or ``{"error": reason}``.

    Parameters
    ----------
    scala
        Gives a JSON array for packed pictures.
    given
        One picture, or any number of them.
    number
        Makes a number of its text in JSON.
    on_error
        ``"raise"`` raises the first reason as an `ImageError`.
    """
    require_on_error(on_error)
    found: list[dict[str, Any]] = []
    for packed, reasons in packed_calls(listed(given)):
        with scala_errors():
            some = iter(json.loads(scala(packed), parse_float=number))
        found += [{"error": reason} if reason else next(some) for reason in reasons]
    for index, answer in enumerate(found):
        if "error" in answer and on_error == "raise":
            raise errors.ImageError(index, answer["error"])
    return found


def floats(
    scala: Callable[[bytes], bytes], given: Picture | Sequence[Picture], shape: tuple[int, ...], on_error: OnError
) -> npt.NDArray[np.float32]:
    """Give the JVM's numbers of each picture, [n, *shape], with NaN for one that has none.

    Parameters
    ----------
    scala
        Gives reasons and floats for packed pictures, as `LocalModelBytes.scala` packs them.
    given
        One picture, or any number of them.
    shape
        Of one picture's numbers.
    on_error
        ``"raise"`` raises the first reason as an `ImageError`.
    """
    require_on_error(on_error)
    pictures = listed(given)
    result = np.full((len(pictures), *shape), np.nan, dtype=np.float32)
    index = 0
    for packed, unreadable in packed_calls(pictures):
        with scala_errors():
            reasons, numbers = unpack(scala(packed), sum(reason is None for reason in unreadable))
        rows, found = iter(numbers.reshape(-1, *shape)), iter(reasons)
        for missing in unreadable:
            reason = missing or next(found)
            if not reason:
                result[index] = next(rows)
            elif on_error == "raise":
                raise errors.ImageError(index, reason)
            index += 1
    return result


def require_on_error(on_error: OnError) -> None:
    """Refuse what is neither of the two."""
    if on_error not in ("raise", "null"):
        raise errors.ParameterError(f'on_error is "raise" or "null", not {on_error!r}.')
