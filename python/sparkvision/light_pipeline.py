"""A fitted Pipeline on this machine, without a Spark job: `LightPipeline`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql.utils import is_remote

from sparkvision import errors
from sparkvision._engine.closing import Closing
from sparkvision._engine.image import Images, listed, origin
from sparkvision._spark.scala_errors import scala_errors
from sparkvision._spark.session import require_session
from sparkvision._spark.stage import ModelTransformer
from sparkvision.local import LocalModel

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

_ERROR = "error"


@dataclass(frozen=True)
class Annotation:
    """An element of an annotation column: a label of an image, an object in it, or its embedding."""

    annotatorType: str
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)


class LightPipeline(Closing):
    """A fitted Pipeline on this machine, without a Spark job: for a few images, at once.

    An image is its encoded bytes, a path or ``file://`` URL, a PIL image, or a numpy array of uint8:
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
        if not stages[0].isDefined("outputCol"):
            raise errors.ParameterError(f"Set outputCol of {stages[0].uid}: it names the annotations.")
        self._output = stages[0].getOrDefault("outputCol")
        self._model = _local_model(stages[0])

    def fullAnnotateImage(self, images: Images) -> list[dict[str, list[Annotation]]]:
        """Label or embed images, or find the objects in them.

        Parameters
        ----------
        images
            One image, or a list of images.

        Returns
        -------
        list of dict
            The annotations of each image under the name of the output column, best label first. An unreadable image has
            one annotation of type ``error`` with the reason as its result.
        """
        several = listed(images)
        answers = self._model._annotate(several)
        return [{self._output: _annotations(answer, origin(p))} for answer, p in zip(answers, several, strict=True)]

    def fullAnnotate(self, images: Images) -> list[dict[str, list[Annotation]]]:
        """Call `fullAnnotateImage`: Spark NLP has both names."""
        return self.fullAnnotateImage(images)

    def annotate(self, images: Images) -> dict[str, list[str]] | list[dict[str, list[str]]]:
        """Label images, and return the labels only.

        Parameters
        ----------
        images
            One image, or a list of images.

        Returns
        -------
        dict, or list of dict
            The labels of each image under the name of the output column, best first; a single image has no list around
            its dict. An unreadable image has no labels, and its reason under ``error``.

        Examples
        --------
        >>> light.annotate("cat.jpg")
        {'class': ['tabby']}
        """
        several = listed(images)
        names = [_names(annotations) for annotations in self.fullAnnotateImage(several)]
        return names[0] if len(several) == 1 and several[0] is images else names

    def close(self) -> None:
        """Release the session of the model."""
        self._model.close()


def _local_model(stage: ModelTransformer) -> LocalModel:
    """Return the model of a stage, with the settings of the stage."""
    if is_remote():
        raise errors.SessionError(
            f"{stage.uid} is on the Spark Connect server, and LightPipeline runs in a classic session's JVM: use "
            "model.transform(df), or LocalModel(bundle) with the bundle on this machine."
        )
    require_session()
    stage._transfer_params_to_java()
    assert stage._java_obj is not None
    with scala_errors():
        # The stage itself makes the model: an object of one JVM cannot be used in another.
        return LocalModel._of_scala(stage._java_obj.localModelBytes())


def _names(annotations: dict[str, list[Annotation]]) -> dict[str, list[str]]:
    """Return the results only, and a reason under its own name, because it is no label."""
    found: dict[str, list[str]] = {}
    for column, several in annotations.items():
        found[column] = [a.result for a in several if a.annotatorType != _ERROR]
        if reasons := [a.result for a in several if a.annotatorType == _ERROR]:
            found[_ERROR] = reasons
    return found


def _annotations(answer: dict[str, Any], origin: str) -> list[Annotation]:
    if "error" in answer:
        return [Annotation(_ERROR, 0, 0, answer["error"], {"origin": origin})]
    # As in the Pipeline (ClassificationOutput.scala, EmbeddingsOutput.scala, DetectionOutput.scala): three channels,
    # and -1 for an encoded image. The facts, `score` and `id` win over a class of the same name.
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
    # Classes with the same name have the score of the best of them, which is written last.
    shared = {best["label"]: best["score"] for best in reversed(answer["best"])} | facts
    return [Annotation("category", 0, 0, best["label"], shared | _own(best)) for best in answer["best"]]


def _own(best: dict[str, Any]) -> dict[str, str]:
    return {"score": best["score"], "id": str(best["id"])}


def _numbers(found: dict[str, Any]) -> dict[str, str]:
    return {name: found[name] for name in ("score", "xmin", "ymin", "xmax", "ymax")}
