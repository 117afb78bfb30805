"""What SparkVision refuses, as exceptions: every message says what went wrong, with which value, and what to do.

The names match the engine's in Scala (`ImageException` is `ImageError` here), so that one error reads alike in both
languages.
"""

from __future__ import annotations


class SparkVisionError(Exception):
    """Any refusal by SparkVision; catch this one to catch them all.

    Examples
    --------
    >>> try:
    ...     raise BundleError("my-vit: there is no such folder")
    ... except SparkVisionError as error:
    ...     print(error)
    my-vit: there is no such folder
    """


class ImageError(SparkVisionError):
    """A picture that cannot be used: corrupt, oversized, of an unsupported format, or missing.

    Parameters
    ----------
    index : int or None
        Position of the picture in the list it came in, from 0; None where it came in no list.
    reason : str
        Why the picture was refused, in one sentence.

    Examples
    --------
    >>> str(ImageError(3, "the file has no bytes"))
    'picture 3: the file has no bytes'
    >>> str(ImageError(None, "the file has no bytes"))
    'the file has no bytes'
    """

    def __init__(self, index: int | None, reason: str) -> None:
        super().__init__(reason if index is None else f"picture {index}: {reason}")
        self.index = index
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[int | None, str]]:
        """Pickle both arguments: `BaseException` would keep the joined message only."""
        return type(self), (self.index, self.reason)


class BundleError(SparkVisionError):
    """A model bundle that is missing, damaged, unsafe, or contradicts itself."""


class ProcessorError(SparkVisionError):
    """A preprocessing setting that SparkVision does not support and will not silently ignore."""


class ParameterError(SparkVisionError, ValueError):
    """A parameter whose value makes no sense, or a path that does not exist."""


class ProviderError(SparkVisionError):
    """An execution provider that cannot be used here, or that computes wrong numbers."""


class SimilarityIndexError(SparkVisionError):
    """A similarity index that is missing or damaged, or that cannot answer what it is asked."""


class ExportError(SparkVisionError):
    """A checkpoint that cannot be exported, or whose exported graph does not compute what its source computes."""


class VerifyError(SparkVisionError):
    """A bundle and a checkpoint that cannot be compared, or no pictures to compare them on."""


class SessionError(SparkVisionError):
    """A Spark session, or a JVM, that cannot run SparkVision."""


def from_scala(class_name: str, message: str) -> SparkVisionError | None:
    """Translate one of the engine's exceptions.

    Parameters
    ----------
    class_name : str
        The exception's simple Scala name, for instance ``BundleException``.
    message : str
        Its message.

    Returns
    -------
    SparkVisionError or None
        None when the exception is not one of the engine's.
    """
    if class_name == "ImageException":
        # The engine knows the picture, not its place among others.
        return ImageError(None, message)
    twins = {
        "BundleException": BundleError,
        "ProcessorException": ProcessorError,
        "ParameterException": ParameterError,
        "ProviderException": ProviderError,
        "SimilarityIndexException": SimilarityIndexError,
    }
    twin = twins.get(class_name)
    return twin(message) if twin else None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class if the message is empty.

    Examples
    --------
    >>> first_line(ValueError("no such processor"))
    'no such processor'
    >>> first_line(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
