"""The exceptions of SparkVision. Every message says what went wrong, with which value, and what to do.

The names match those of the engine in Scala: `ImageException` is `ImageError` here.
"""

from __future__ import annotations


class SparkVisionError(Exception):
    """The base class of all errors of SparkVision.

    Examples
    --------
    >>> try:
    ...     raise BundleError("my-vit holds no sparkvision.json")
    ... except SparkVisionError as error:
    ...     print(error)
    my-vit holds no sparkvision.json
    """


class ImageError(SparkVisionError):
    """An image that cannot be used: corrupt, too large, of an unsupported format, or missing.

    Parameters
    ----------
    index : int or None
        Position of the image in its list, from 0; None for an image without a list.
    reason : str
        Why the image was refused, in one sentence.

    Examples
    --------
    >>> str(ImageError(3, "the file has no bytes"))
    'image 3: the file has no bytes'
    >>> str(ImageError(None, "the file has no bytes"))
    'the file has no bytes'
    """

    def __init__(self, index: int | None, reason: str) -> None:
        super().__init__(reason if index is None else f"image {index}: {reason}")
        self.index = index
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[int | None, str]]:
        """Pickle both arguments, because `BaseException` would keep only the joined message."""
        return type(self), (self.index, self.reason)


class BundleError(SparkVisionError):
    """A model name that is not known, or a model bundle that is incomplete, damaged, unsafe, or contradicts itself."""


class ProcessorError(SparkVisionError):
    """A preprocessing setting that SparkVision does not support, and does not ignore."""


class ParameterError(SparkVisionError, ValueError):
    """A parameter whose value makes no sense, or a path that does not exist."""


class ProviderError(SparkVisionError):
    """An execution provider that cannot be used here, or that computes wrong numbers."""


class SimilarityIndexError(SparkVisionError):
    """A folder that is no similarity index, or an index that is damaged or cannot answer the query."""


class ExportError(SparkVisionError):
    """A checkpoint that cannot be exported, or whose exported graph does not compute what the checkpoint computes."""


class VerifyError(SparkVisionError):
    """A bundle and a checkpoint that cannot be compared, or no images to compare them on."""


class SessionError(SparkVisionError):
    """A Spark session, or a JVM, that cannot run SparkVision."""


def from_scala(class_name: str, message: str) -> SparkVisionError | None:
    """Translate one of the engine's exceptions.

    Parameters
    ----------
    class_name : str
        The simple name of the Scala class, for instance ``BundleException``.
    message : str
        Its message.

    Returns
    -------
    SparkVisionError or None
        None if the exception is not one of the engine's.
    """
    if class_name == "ImageException":
        # The engine knows the image, but not its position in the list.
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
    return lines[0].rstrip() if lines else type(error).__name__
