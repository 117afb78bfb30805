"""A model on this machine, without a Spark job: `LocalModel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from sparkvision import errors
from sparkvision._engine.answers import OnError, answers, floats
from sparkvision._engine.closing import Closing
from sparkvision._engine.detection import Box, Detection
from sparkvision._engine.image import ImageInput, Images
from sparkvision._engine.opening import open_model
from sparkvision._engine.scored_label import ScoredLabel
from sparkvision._spark.scala_errors import scala_errors

__all__ = ["Box", "Detection", "ImageInput", "LocalModel", "ScoredLabel"]

Pooling = Literal["cls", "mean", "pooler"]
DecodeMode = Literal["exact", "fast"]
ExecutionProvider = Literal["auto", "cpu", "onednn", "cuda"]

Floats: TypeAlias = npt.NDArray[np.float32]


class LocalModel(Closing):
    """A model bundle on this machine, with the results that a stage of a Pipeline has.

    Runs on the JVM engine: in the JVM of the running Spark session if there is one, else in a JVM without Spark. Any
    number of threads may use one model.

    An image is its encoded bytes, a path or ``file://`` URL, a PIL image, or a numpy array of uint8:
    [height, width, 3] RGB or [height, width] grey. Every method takes one image or a sequence of images. An image that
    cannot be used raises an `ImageError` with its index and the reason, unless ``on_error="null"``.

    Parameters
    ----------
    bundle
        The folder of a bundle, or ``embedded:NAME``.
    batch_size
        Images per run of the model, at most. Default: 8; for object detection 1.
    threads
        Threads that one run may use on the CPU. Default: one for each core.
    execution_provider
        Where ONNX Runtime computes: ``"cpu"``, ``"onednn"`` or ``"cuda"``. Default: ``"auto"``, the fastest that is
        available.
    pooling
        How `embed` makes one embedding of hidden states: ``"cls"`` (that of the class token), ``"mean"`` (of all
        tokens) or ``"pooler"`` (the model's own).
    normalize
        Whether `embed` divides embeddings by their Euclidean length.
    decode_mode
        ``"fast"`` decodes a JPEG that is at least twice as large as the model needs at 1/2, 1/4 or 1/8 of its size, as
        Pillow's draft mode does.
    threshold
        The lowest score of a label of a multi-label model, and of an object of a detection model. Default: 0.5.
    candidate_labels
        The labels that a zero-shot model chooses among. Default: the labels of the bundle.
    hypothesis_template
        The sentence around each candidate label, with ``{}`` in the place of the label. Default: that of the bundle.

    Raises
    ------
    ParameterError
        When the folder does not exist, a value makes no sense, or the model has nothing for this pooling to read.
    BundleError
        When the bundle is damaged, unsafe or contradicts itself.
    ProcessorError
        When SparkVision does not support the preprocessing of the bundle.
    ProviderError
        When the execution provider cannot be used on this machine.

    Examples
    --------
    >>> with LocalModel("my-vit", batch_size=32) as model:
    ...     model.predict(["cat.jpg", "dog.jpg"], top_k=3)
    """

    def __init__(
        self,
        bundle: str | Path,
        *,
        batch_size: int | None = None,
        threads: int | None = None,
        execution_provider: ExecutionProvider | None = None,
        pooling: Pooling = "cls",
        normalize: bool = False,
        decode_mode: DecodeMode = "exact",
        threshold: float | None = None,
        candidate_labels: Sequence[str] | None = None,
        hypothesis_template: str | None = None,
    ) -> None:
        settings = {
            "batchSize": batch_size,
            "intraOpThreads": threads,
            "executionProvider": execution_provider,
            "pooling": pooling,
            "normalize": normalize,
            "decodeMode": decode_mode,
            "threshold": threshold,
            "candidateLabels": None if candidate_labels is None else list(candidate_labels),
            "hypothesisTemplate": hypothesis_template,
        }
        self._scala = open_model(bundle, settings)

    @classmethod
    def _with_settings(cls, bundle: str | Path, settings: Mapping[str, Any]) -> LocalModel:
        """Return the model of a bundle with the settings of a stage, by the names of its Params."""
        return cls._of_scala(open_model(bundle, settings))

    @classmethod
    def _of_scala(cls, scala: Any) -> LocalModel:
        """Return the model of a LocalModelBytes."""
        model = cls.__new__(cls)
        model._scala = scala
        return model

    def preprocess(self, images: Images, on_error: OnError = "raise") -> Floats:
        """Decode, resize, rescale and normalise images. Opens no session.

        Parameters
        ----------
        images
            One image, or any number of images.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable images.

        Returns
        -------
        ndarray of float32, [n, 3, height, width]; [n, height, width, 3] for a graph whose channels come last
        """
        with scala_errors():
            shape = tuple(self._scala.inputShape())
        return floats(self._scala.preprocess, images, shape, on_error)

    def logits(self, images: Images, on_error: OnError = "raise") -> Floats:
        """Run the model.

        Parameters
        ----------
        images
            One image, or any number of images.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable images.

        Returns
        -------
        ndarray of float32, [n, labels]
        """
        return floats(self._scala.logits, images, (len(self.labels),), on_error)

    def predict(self, images: Images, top_k: int | None = None, on_error: OnError = "raise") -> list[list[ScoredLabel]]:
        """Return the best labels of each image.

        Parameters
        ----------
        images
            One image, or any number of images.
        top_k
            Labels per image, at most. Default: 1; of a multi-label model all labels from the threshold on.
        on_error
            ``"raise"``, or ``"null"`` for an empty list in place of an unreadable image's labels.

        Returns
        -------
        list of list of ScoredLabel
            The labels of each image, best first; the values of a regression in the order of their ids.

        Raises
        ------
        ParameterError
            When ``top_k`` is below 1.

        Examples
        --------
        >>> LocalModel("embedded:digits").predict("seven.png")
        [[ScoredLabel(id=7, label='7', score=0.9998)]]
        """
        limit = _limit(top_k)
        found = answers(lambda packed: self._scala.predict(packed, limit), images, on_error=on_error)
        return [[ScoredLabel(**best) for best in answer.get("best", ())] for answer in found]

    def embed(self, images: Images, on_error: OnError = "raise") -> Floats:
        """Return embeddings, of a bundle for feature extraction.

        Parameters
        ----------
        images
            One image, or any number of images.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable images.

        Returns
        -------
        ndarray of float32, [n, size of an embedding]

        Raises
        ------
        BundleError
            When the bundle is for another task.
        """
        with scala_errors():
            size = self._scala.embeddingSize()
        return floats(self._scala.embed, images, (size,), on_error)

    def detect(
        self,
        images: Images,
        threshold: float | None = None,
        top_k: int | None = None,
        on_error: OnError = "raise",
    ) -> list[list[Detection]]:
        """Find objects, with a bundle for object detection.

        Parameters
        ----------
        images
            One image, or any number of images; each is run by itself.
        threshold
            Objects with a higher score are returned. Default: the threshold with which the model was opened.
        top_k
            Objects per image, at most. Default: all.
        on_error
            ``"raise"``, or ``"null"`` for an empty list in place of an unreadable image's objects.

        Returns
        -------
        list of list of Detection
            The objects of each image, best first, with boxes in pixels of the upright image.

        Raises
        ------
        BundleError
            When the bundle is for another task.
        ParameterError
            When ``top_k`` is below 1, or ``threshold`` not between 0 and 1.
        """
        limit, lowest = _limit(top_k), None if threshold is None else float(threshold)
        found = answers(lambda packed: self._scala.detect(packed, lowest, limit), images, on_error=on_error)
        return [[Detection.of(one) for one in answer.get("objects", ())] for answer in found]

    def attention_rollout(self, images: Images, on_error: OnError = "raise") -> Floats:
        """Return where the model looked, by attention rollout (Abnar and Zuidema, 2020), of an ``--attentions`` bundle.

        Parameters
        ----------
        images
            One image, or any number of images.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable images.

        Returns
        -------
        ndarray of float32, [n, rows, columns]
            The share of each patch of the preprocessed image in the class token, through all layers. The shares of the
            patches and of the other tokens (the class token itself) sum to 1.

        Raises
        ------
        BundleError
            When the bundle was exported without ``--attentions``.
        """
        with scala_errors():
            shape = tuple(self._scala.attentionRolloutShape())
        return floats(self._scala.attentionRollouts, images, shape, on_error)

    @cached_property  # reading each name is a call to the JVM
    def labels(self) -> list[str]:
        """The names of the classes, in the order of their ids."""
        return list(self._scala.labels())

    @property
    def bundle_hash(self) -> str:
        """The SHA-256 of the bundle: of its manifest and of every file."""
        return str(self._scala.bundleHash())

    def close(self) -> None:
        """Release the session of the model."""
        self._scala.close()

    def _annotate(self, images: Sequence[ImageInput]) -> list[dict[str, Any]]:
        """Return the labels and scores, the embedding, the objects, or the error, of each image."""
        # Scores stay text, so that they are reported as the JVM writes them.
        return answers(self._scala.annotate, images, str)


def _limit(top_k: int | None) -> int:
    """Return ``top_k`` as the engine takes it: 0 if it is not set."""
    if top_k is not None and top_k < 1:
        raise errors.ParameterError(f"top_k must be at least 1, not {top_k}.")
    return top_k or 0
