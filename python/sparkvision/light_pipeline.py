"""A fitted Pipeline on this machine, without a Spark job: `LightPipeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparkvision import errors
from sparkvision._base import ModelTransformer
from sparkvision.local import Closing, LocalModel, Picture

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel


@dataclass(frozen=True)
class Annotation:
    """One label of a picture, or its embedding, as an element of an annotation column has it."""

    annotatorType: str
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)


class LightPipeline(Closing):
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
