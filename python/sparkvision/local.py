"""A model on this machine, without a Spark job: `LocalModel`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pyspark.sql.utils import is_remote

from sparkvision import errors
from sparkvision._engine.answers import OnError, answers, floats
from sparkvision._engine.closing import Closing
from sparkvision._engine.detection import Box, Detection
from sparkvision._engine.gateway import jvm
from sparkvision._engine.image import Picture
from sparkvision._engine.scored_label import ScoredLabel
from sparkvision._spark.session import require_session
from sparkvision._spark.stage import ModelTransformer, scala_errors

__all__ = ["Box", "Detection", "LocalModel", "Picture", "ScoredLabel"]

Pooling = Literal["cls", "mean", "pooler"]
DecodeMode = Literal["exact", "fast"]


class LocalModel(Closing):
    """A model bundle on this machine: exactly what Spark's executors feed the session, and get back.

    Runs on the JVM engine: in the running Spark session's JVM if there is one, else in a JVM of its own without Spark.
    Any number of threads may use one model.

    A picture is its encoded bytes, a path or ``file://`` URL, a PIL image, or a numpy array of uint8:
    [height, width, 3] RGB or [height, width] grey. Every method takes one picture or a sequence of them.

    Parameters
    ----------
    bundle
        A bundle's folder, or ``embedded:NAME``.
    pooling
        How `embed` makes one embedding of hidden states: ``"cls"`` (the class token's), ``"mean"`` (of all tokens) or
        ``"pooler"`` (the model's own).
    normalize
        Whether `embed` divides embeddings by their Euclidean length.
    decode_mode
        ``"fast"`` decodes a JPEG that is at least twice as large as the model needs at 1/2, 1/4 or 1/8 of its size, as
        Pillow's draft mode does.

    Raises
    ------
    BundleError
        When the bundle is missing, damaged, unsafe or contradicts itself.
    ParameterError
        When the model has nothing for this pooling to read, or there is no such decode mode.
    ProcessorError
        When its preprocessing is one that SparkVision does not support.

    Examples
    --------
    >>> with LocalModel("my-vit") as model:
    ...     model.predict(["cat.jpg", "dog.jpg"], top_k=3)
    """

    def __init__(
        self,
        bundle: str | Path,
        *,
        pooling: Pooling = "cls",
        normalize: bool = False,
        decode_mode: DecodeMode = "exact",
    ) -> None:
        with scala_errors():
            self._scala = jvm().sparkvision.engine.LocalModelBytes.open(str(bundle), pooling, normalize, decode_mode)

    @classmethod
    def _of_stage(cls, stage: ModelTransformer) -> LocalModel:
        """Give the model of a Pipeline stage, with the stage's settings."""
        if is_remote():
            raise errors.SessionError(
                f"{stage.uid} is on the Spark Connect server, and LightPipeline runs in a classic session's JVM: use "
                "model.transform(df), or LocalModel(bundle) with the bundle on this machine."
            )
        require_session()
        model = cls.__new__(cls)
        stage._transfer_params_to_java()
        assert stage._java_obj is not None
        with scala_errors():
            # By the stage itself: an object of one JVM means nothing in another.
            model._scala = stage._java_obj.localModelBytes()
        return model

    @classmethod
    def _with_settings(cls, bundle: str | Path, settings: Mapping[str, Any]) -> LocalModel:
        """Give a bundle's model with a stage's settings, by the names of its Params."""
        model = cls.__new__(cls)
        with scala_errors():
            model._scala = jvm().sparkvision.engine.LocalModelBytes.openWith(str(bundle), json.dumps(dict(settings)))
        return model

    def preprocess(self, pictures: Picture | Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Decode, resize, rescale and normalise. Opens no session.

        Parameters
        ----------
        pictures
            One picture, or any number of them.
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
        with scala_errors():
            shape = tuple(self._scala.inputShape())
        return floats(self._scala.preprocess, pictures, shape, on_error)

    def logits(self, pictures: Picture | Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Run the model.

        Parameters
        ----------
        pictures
            One picture, or any number of them.
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
        return floats(self._scala.logits, pictures, (len(self.labels),), on_error)

    def predict(
        self, pictures: Picture | Sequence[Picture], top_k: int = 1, on_error: OnError = "raise"
    ) -> list[list[ScoredLabel]]:
        """Give the best labels of each picture.

        Parameters
        ----------
        pictures
            One picture, or any number of them.
        top_k
            Labels a picture, at most; of a multi-label model those with a score of 0.5 or more.
        on_error
            ``"raise"``, or ``"null"`` for an empty list in place of an unreadable picture's labels.

        Returns
        -------
        list of list of ScoredLabel
            For each picture its labels, best first; the values of a regression in the order of their ids.

        Raises
        ------
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        ParameterError
            When ``top_k`` is below 1.

        Examples
        --------
        >>> LocalModel("embedded:digits").predict("seven.png")
        [[ScoredLabel(id=7, label='7', score=0.9998)]]
        """
        found = answers(lambda packed: self._scala.predict(packed, top_k), pictures, on_error=on_error)
        return [[ScoredLabel(**best) for best in answer.get("best", ())] for answer in found]

    def embed(self, pictures: Picture | Sequence[Picture], on_error: OnError = "raise") -> npt.NDArray[np.float32]:
        """Give embeddings: of bundles for feature extraction.

        Parameters
        ----------
        pictures
            One picture, or any number of them.
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
        return floats(self._scala.embed, pictures, (size,), on_error)

    def detect(
        self,
        pictures: Picture | Sequence[Picture],
        threshold: float = 0.5,
        top_k: int | None = None,
        on_error: OnError = "raise",
    ) -> list[list[Detection]]:
        """Find objects: with bundles for object detection.

        Parameters
        ----------
        pictures
            One picture, or any number of them; each is run by itself.
        threshold
            Objects with a higher score are given.
        top_k
            Objects a picture, at most; None for all.
        on_error
            ``"raise"``, or ``"null"`` for an empty list in place of an unreadable picture's objects.

        Returns
        -------
        list of list of Detection
            For each picture its objects, best first, their boxes in pixels of the upright picture.

        Raises
        ------
        BundleError
            When the bundle is for another task.
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        ParameterError
            When ``top_k`` is below 1, or ``threshold`` not between 0 and 1.
        """
        if top_k is not None and top_k < 1:
            raise errors.ParameterError(f"top_k must be at least 1, not {top_k}.")
        found = answers(
            lambda packed: self._scala.detect(packed, float(threshold), top_k or 0), pictures, on_error=on_error
        )
        return [[Detection.of(one) for one in answer.get("objects", ())] for answer in found]

    def attention_rollout(
        self, pictures: Picture | Sequence[Picture], on_error: OnError = "raise"
    ) -> npt.NDArray[np.float32]:
        """Tell what the model looked at, by attention rollout (Abnar and Zuidema, 2020): of ``--attentions`` bundles.

        Parameters
        ----------
        pictures
            Encoded pictures, or paths of picture files.
        on_error
            ``"raise"``, or ``"null"`` for rows of NaN in place of unreadable pictures.

        Returns
        -------
        ndarray of float32, [n, rows, columns]
            For each patch of the preprocessed picture the share that it has in the class token, through all layers.
            They sum to what the other tokens (the class token itself) leave of 1.

        Raises
        ------
        BundleError
            When the bundle was exported without ``--attentions``.
        ImageError
            For the first picture that cannot be used, with its index and the reason.
        """
        with scala_errors():
            shape = tuple(self._scala.attentionRolloutShape())
        return floats(self._scala.attentionRollouts, pictures, shape, on_error)

    @cached_property  # each name is a call to the JVM
    def labels(self) -> list[str]:
        """The names of the classes, in the order of their ids."""
        return list(self._scala.labels())

    @property
    def bundle_hash(self) -> str:
        """The SHA-256 of the bundle: of its manifest and of every file."""
        return str(self._scala.bundleHash())

    def close(self) -> None:
        """Give the session back."""
        self._scala.close()

    def _annotate(self, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        """Give labels and scores, the embedding, the objects, or the error, of each picture."""
        # Scores stay text: they are reported as the JVM writes them.
        return answers(self._scala.annotate, pictures, str)
