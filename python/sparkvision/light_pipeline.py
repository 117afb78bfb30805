"""A fitted Pipeline on this machine, without a Spark job: `LightPipeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sparkvision import errors
from sparkvision._engine.closing import Closing
from sparkvision._engine.image import Picture, listed, origin
from sparkvision._spark.stage import ModelTransformer
from sparkvision.local import LocalModel

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

_ERROR = "error"


@dataclass(frozen=True)
class Annotation:
    """One label of a picture, an object in it, or its embedding, as an element of an annotation column has it."""

    annotatorType: str
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)


class LightPipeline(Closing):
    """A fitted Pipeline on this machine, without a Spark job: for a few pictures, at once.

    A picture is its encoded bytes, a path or ``file://`` URL, a PIL image, or a numpy array of uint8:
    [height, width, 3] RGB or [height, width] grey. Any number of threads may use one LightPipeline.

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
        """Label or embed pictures, or find the objects in them.

        Parameters
        ----------
        pictures
            One picture, or a list of them.

        Returns
        -------
        list of dict
            For each picture its annotations by the output column's name, best label first. An unreadable picture has
            one annotation of type ``error`` with the reason as its result.
        """
        several = listed(pictures)
        answers = self._model._annotate(several)
        return [{self._output: _annotations(answer, origin(p))} for answer, p in zip(answers, several, strict=True)]

    def fullAnnotate(self, pictures: Picture | Sequence[Picture]) -> list[dict[str, list[Annotation]]]:
        """Do as `fullAnnotateImage` does: Spark NLP has both names."""
        return self.fullAnnotateImage(pictures)

    def annotate(self, pictures: Picture | Sequence[Picture]) -> dict[str, list[str]] | list[dict[str, list[str]]]:
        """Label pictures, and give the labels alone.

        Parameters
        ----------
        pictures
            One picture, or a list of them.

        Returns
        -------
        dict, or list of dict
            For each picture its labels by the output column's name, best first; for a picture that came alone no list.
            An unreadable picture has no labels, and under ``error`` its reason.

        Examples
        --------
        >>> light.annotate("cat.jpg")
        {'class': ['tabby']}
        """
        several = listed(pictures)
        names = [_names(annotations) for annotations in self.fullAnnotateImage(several)]
        return names[0] if len(several) == 1 and several[0] is pictures else names

    def close(self) -> None:
        """Give the model's session back."""
        self._model.close()


def _names(annotations: dict[str, list[Annotation]]) -> dict[str, list[str]]:
    """Give the results alone, and a reason apart from them: it is no label."""
    found: dict[str, list[str]] = {}
    for column, several in annotations.items():
        found[column] = [a.result for a in several if a.annotatorType != _ERROR]
        if reasons := [a.result for a in several if a.annotatorType == _ERROR]:
            found[_ERROR] = reasons
    return found


def _annotations(answer: dict[str, Any], origin: str) -> list[Annotation]:
    if "error" in answer:
        return [Annotation(_ERROR, 0, 0, answer["error"], {"origin": origin})]
    # As the Pipeline's (ClassificationOutput.scala, EmbeddingsOutput.scala, DetectionOutput.scala): three channels, and
    # -1 for a picture that came encoded; the facts, `score` and `id` win over a class of the same name.
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
    if "objects" in answer:
        return [Annotation("detection", 0, 0, found["label"], facts | _numbers(found)) for found in answer["objects"]]
    # Of classes of one name the best one's score, which is the last that is written.
    shared = {best["label"]: best["score"] for best in reversed(answer["best"])} | facts
    return [Annotation("category", 0, 0, best["label"], shared | _own(best)) for best in answer["best"]]


def _own(best: dict[str, Any]) -> dict[str, str]:
    return {"score": best["score"], "id": str(best["id"])}


def _numbers(found: dict[str, Any]) -> dict[str, str]:
    return {name: found[name] for name in ("score", "xmin", "ymin", "xmax", "ymax")}
