"""Models on this machine, without a Spark job: `LocalModel` and `LightPipeline`."""

from __future__ import annotations

import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from pyspark.sql.utils import is_remote

from sparkvision import errors
from sparkvision._base import ModelTransformer, scala_errors
from sparkvision._gateway import jvm

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

Closing = TypeVar("Closing", bound="_Closing")

Picture: TypeAlias = bytes | str | Path
OnError = Literal["raise", "null"]
Pooling = Literal["cls", "mean", "pooler"]

# Pictures that cross to the JVM in one call: enough to fill batches, few enough for one byte array.
PICTURES_PER_CALL = 64


class _Closing(ABC):
    """Something that a ``with`` block closes at its end."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held."""

    def __enter__(self: Closing) -> Closing:
        """Give this object, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class LocalModel(_Closing):
    """A model bundle on this machine: exactly what Spark's executors feed the session, and get back.

    Runs on the JVM engine: in the active Spark session's JVM if there is one, else in a JVM of its own without Spark.

    Parameters
    ----------
    bundle
        A bundle's folder, or ``embedded:NAME``.
    pooling
        How `embed` makes one embedding of hidden states: ``"cls"`` (the class token's), ``"mean"`` (of all tokens) or
        ``"pooler"`` (the model's own).
    normalize
        Whether `embed` divides embeddings by their Euclidean length.

    Raises
    ------
    BundleError
        When the bundle is missing, damaged, unsafe or contradicts itself.
    ParameterError
        When the model has nothing for this pooling to read.
    ProcessorError
        When its preprocessing is one that SparkVision does not support.

    Examples
    --------
    >>> with LocalModel("my-vit") as model:
    ...     model.logits(["cat.jpg"]).argmax(axis=1)
    """

    def __init__(self, bundle: str | Path, *, pooling: Pooling = "cls", normalize: bool = False) -> None:
        with scala_errors():
            self._scala = jvm().sparkvision.engine.LocalModelBytes.open(str(bundle), pooling, normalize)

    @classmethod
    def _of_stage(cls, stage: ModelTransformer) -> LocalModel:
        """Give the model of a Pipeline stage, with the stage's settings."""
        if is_remote():
            raise errors.SessionError(
                f"{stage.uid} is on the Spark Connect server, and LightPipeline runs in a classic session's JVM: use "
                "model.transform(df), or LocalModel(bundle) with the bundle on this machine."
            )
        model = cls.__new__(cls)
        stage._transfer_params_to_java()
        assert stage._java_obj is not None
        with scala_errors():
            model._scala = jvm().sparkvision.engine.LocalModelBytes(stage._java_obj.localModel())
        return model

    def preprocess(self, pictures: Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Decode, resize, rescale and normalise. Opens no session.

        Parameters
        ----------
        pictures
            Encoded pictures, or paths of picture files.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable pictures.

        Returns
        -------
        ndarray of float32, [n, 3, height, width]; [n, height, width, 3] for a graph whose channels come last

        Raises
        ------
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        """
        return self._floats(self._scala.preprocess, pictures, tuple(self._scala.inputShape()), on_error)

    def logits(self, pictures: Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Run the model.

        Parameters
        ----------
        pictures
            Encoded pictures, or paths of picture files.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable pictures.

        Returns
        -------
        ndarray of float32, [n, labels]

        Raises
        ------
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        """
        return self._floats(self._scala.logits, pictures, (len(self.labels),), on_error)

    def embed(self, pictures: Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Give embeddings: of bundles for feature extraction.

        Parameters
        ----------
        pictures
            Encoded pictures, or paths of picture files.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable pictures.

        Returns
        -------
        ndarray of float32, [n, size of an embedding]

        Raises
        ------
        BundleError
            When the bundle is for another task.
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        """
        with scala_errors():
            size = self._scala.embeddingSize()
        return self._floats(self._scala.embed, pictures, (size,), on_error)

    @cached_property  # each name is a call to the JVM
    def labels(self) -> list[str]:
        """The names of the classes, in the order of their ids."""
        return list(self._scala.labels())

    def close(self) -> None:
        """Give the session back."""
        self._scala.close()

    def _annotate(self, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        """Give labels and scores, the embedding, or the error, of each picture."""
        answers: list[dict[str, Any]] = []
        for packed, reasons in _calls(pictures):
            with scala_errors():
                # Scores stay text: they are reported as the JVM writes them.
                found = iter(json.loads(self._scala.annotate(packed), parse_float=str))
            answers += [{"error": reason} if reason else next(found) for reason in reasons]
        return answers

    def _floats(
        self, scala: Callable[[bytes], bytes], pictures: Sequence[Picture], shape: tuple[int, ...], on_error: OnError
    ) -> npt.NDArray[np.float32]:
        if on_error not in ("raise", "null"):
            raise errors.ParameterError(f'on_error is "raise" or "null", not {on_error!r}.')
        result = np.full((len(pictures), *shape), np.nan, dtype=np.float32)
        index = 0
        for packed, unreadable in _calls(pictures):
            with scala_errors():
                reasons, floats = _unpack(scala(packed), sum(reason is None for reason in unreadable))
            rows, found = iter(floats.reshape(-1, *shape)), iter(reasons)
            for missing in unreadable:
                reason = missing or next(found)
                if not reason:
                    result[index] = next(rows)
                elif on_error == "raise":
                    raise errors.ImageError(index, reason)
                index += 1
        return result


def _calls(pictures: Sequence[Picture]) -> Iterator[tuple[bytes, list[str | None]]]:
    """Pack pictures for the JVM, some at a time; files that cannot be read stay behind, with the reason."""
    for start in range(0, len(pictures), PICTURES_PER_CALL):
        packed = bytearray()
        reasons: list[str | None] = []
        for picture in pictures[start : start + PICTURES_PER_CALL]:
            try:
                data = bytes(picture) if isinstance(picture, (bytes, bytearray)) else Path(picture).read_bytes()
                packed += struct.pack("<i", len(data)) + data
                reasons.append(None)
            except OSError as error:
                reasons.append(f"the file cannot be read: {error}")
            except TypeError:
                raise errors.ParameterError(
                    f"A picture is bytes or a path, not {type(picture).__name__}: {picture!r:.80}"
                ) from None
        yield bytes(packed), reasons


def _unpack(packed: bytes, count: int) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Read what `LocalModelBytes` packs: a reason (or none) for each picture, then the floats."""
    reasons, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from("<i", packed, at)
        reasons.append(packed[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return reasons, np.frombuffer(packed, dtype="<f4", offset=at).astype(np.float32)


@dataclass(frozen=True)
class Annotation:
    """One label of a picture, or its embedding, as an element of an annotation column has it."""

    annotatorType: str
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)


class LightPipeline(_Closing):
    """A fitted Pipeline on this machine, without a Spark job: for a few pictures, at once.

    Parameters
    ----------
    model
        A fitted Pipeline whose stages are SparkVision's, with exactly one that runs a model.

    Examples
    --------
    >>> with LightPipeline(pipeline_model) as light:
    ...     light.fullAnnotateImage("cat.jpg")
    [{'class': [Annotation(annotatorType='category', begin=0, end=0, result='tabby', metadata={...}, embeddings=[])]}]
    """

    def __init__(self, model: PipelineModel) -> None:
        from sparkvision.ml import ImageAssembler

        foreign = [s for s in model.stages if not isinstance(s, (ImageAssembler, ModelTransformer))]
        stages = [s for s in model.stages if isinstance(s, ModelTransformer)]
        if foreign:
            raise errors.ParameterError(
                f"LightPipeline runs SparkVision's stages, not {', '.join(type(s).__name__ for s in foreign)}: "
                "use model.transform(df)."
            )
        if len(stages) != 1:
            raise errors.ParameterError(f"LightPipeline runs one stage with a model; this Pipeline has {len(stages)}.")
        self._output = stages[0]._get_or_none(stages[0].getParam("outputCol"))
        if self._output is None:
            raise errors.ParameterError(f"Set outputCol of {stages[0].uid}: it names the annotations.")
        self._model = LocalModel._of_stage(stages[0])

    def fullAnnotateImage(self, pictures: Picture | Sequence[Picture]) -> list[dict[str, list[Annotation]]]:
        """Label or embed pictures.

        Parameters
        ----------
        pictures
            An encoded picture or a path, or a list of them.

        Returns
        -------
        list of dict
            For each picture its annotations by the output column's name, best label first. An unreadable picture has
            one annotation of type ``error`` with the reason as its result.
        """
        several = [pictures] if isinstance(pictures, (bytes, bytearray, str, Path)) else list(pictures)
        origins = [p if isinstance(p, str) else str(p) if isinstance(p, Path) else "" for p in several]
        answers = self._model._annotate(several)
        return [{self._output: _annotations(answer, origin)} for answer, origin in zip(answers, origins, strict=True)]

    def close(self) -> None:
        """Give the model's session back."""
        self._model.close()


def _annotations(answer: dict[str, Any], origin: str) -> list[Annotation]:
    if "error" in answer:
        return [Annotation("error", 0, 0, answer["error"], {"origin": origin})]
    # As the Pipeline's (ClassificationOutput.scala, EmbeddingsOutput.scala): three channels, and -1 for a picture that
    # came encoded; the facts win over a class of the same name.
    facts = {
        "image": "0",
        "origin": origin,
        "height": str(answer["height"]),
        "width": str(answer["width"]),
        "nChannels": "3",
        "mode": "-1",
    }
    if "embedding" in answer:
        # The JVM writes the shortest text that reads back as the same float32.
        embedding = np.array(answer["embedding"], dtype=np.float64).astype(np.float32).tolist()
        return [Annotation("image_embeddings", 0, 0, "", facts, embedding)]
    metadata = {best["label"]: best["score"] for best in answer["best"]} | facts
    return [Annotation("category", 0, 0, best["label"], metadata) for best in answer["best"]]
