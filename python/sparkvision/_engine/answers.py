"""The results of the engine in the JVM for any number of images: `answers` and `floats`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sparkvision import errors
from sparkvision._engine.image import Images, listed
from sparkvision._engine.packing import packed_calls, unpack
from sparkvision._spark.scala_errors import scala_errors

OnError = Literal["raise", "null"]


def answers(
    scala: Callable[[bytes], str],
    given: Images,
    number: Callable[[str], Any] = float,
    on_error: OnError = "null",
) -> list[dict[str, Any]]:
    """Return the engine's answer for each image, or ``{"error": reason}``.

    Parameters
    ----------
    scala
        Returns a JSON array for packed images.
    given
        One image, or any number of them.
    number
        Converts the JSON text of a number.
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
    scala: Callable[[bytes], bytes], given: Images, shape: tuple[int, ...], on_error: OnError
) -> npt.NDArray[np.float32]:
    """Return the engine's numbers for each image, [n, *shape], with NaN for an image that has none.

    Parameters
    ----------
    scala
        Returns reasons and floats for packed images, as `LocalModelBytes.scala` packs them.
    given
        One image, or any number of them.
    shape
        The shape of the numbers of one image.
    on_error
        ``"raise"`` raises the first reason as an `ImageError`.
    """
    require_on_error(on_error)
    images = listed(given)
    result = np.full((len(images), *shape), np.nan, dtype=np.float32)
    index = 0
    for packed, unreadable in packed_calls(images):
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
    """Refuse a value of ``on_error`` that does not exist."""
    if on_error not in ("raise", "null"):
        raise errors.ParameterError(f'on_error is "raise" or "null", not {on_error!r}.')
