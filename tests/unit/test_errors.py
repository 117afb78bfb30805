"""The exceptions of the engine as Python's exceptions."""

from __future__ import annotations

import pickle

import pytest

from sparkvision import errors


@pytest.mark.parametrize("index", [None, 3])
def test_an_image_error_survives_pickling(index: int | None) -> None:
    error = errors.ImageError(index, "the file has no bytes")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.index, copy.reason, str(copy)) == (errors.ImageError, index, error.reason, str(error))


def test_the_engines_image_error_has_no_invented_index() -> None:
    error = errors.from_scala("ImageException", "the file has no bytes")
    assert isinstance(error, errors.ImageError)
    assert error.index is None and str(error) == "the file has no bytes"


@pytest.mark.parametrize(
    ("scala", "python"),
    [
        ("BundleException", errors.BundleError),
        ("ProcessorException", errors.ProcessorError),
        ("ParameterException", errors.ParameterError),
        ("ProviderException", errors.ProviderError),
        ("SimilarityIndexException", errors.SimilarityIndexError),
    ],
)
def test_the_engines_refusals_keep_their_message(scala: str, python: type[errors.SparkVisionError]) -> None:
    error = errors.from_scala(scala, "what, which value, what to do")
    assert type(error) is python and str(error) == "what, which value, what to do"


def test_exceptions_of_others_are_not_translated() -> None:
    assert errors.from_scala("IllegalStateException", "anything") is None


def test_a_parameter_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="topK must be at least 1"):
        raise errors.ParameterError("topK must be at least 1, not 0.")


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("\n first \nsecond"), "first"), (KeyboardInterrupt(), "KeyboardInterrupt")],
)
def test_the_first_line_of_an_error(error: BaseException, line: str) -> None:
    assert errors.first_line(error) == line
