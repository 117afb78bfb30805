"""Finds the Params that several stages share, and writes the mixins that hold them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from python_stages import params

# Mixins of several Params: the name, what they are about, and the Params. Every other shared Param has a mixin of its
# own. A stage gets a mixin when it has all of these Params exactly as the other stages have them.
GROUPS = {
    "HasModel": ("the model that a stage runs", ("modelPath", "bundleHash")),
    "HasExecution": (
        "where and how ONNX Runtime computes",
        ("cudaTf32", "deviceId", "executionProvider", "gpuMemLimit", "intraOpThreads", "onednnFpMath"),
    ),
    "HasPreprocessing": (
        "how an image becomes the model's input (unset: as the bundle says)",
        (
            *("cropSize", "doCenterCrop", "doNormalize", "doRescale", "doResize", "height", "imageMean", "imageStd"),
            *("resample", "rescaleFactor", "resizeBackend", "size", "width"),
        ),
    ),
    "HasLabels": (
        "the labels and scores that a classification returns",
        ("predictionCol", "probabilityCol", "rawPredictionCol", "threshold", "topK"),
    ),
    "HasDetections": ("the objects that a detection returns", ("batchSize", "detectionsCol", "threshold", "topK")),
    "HasEmbeddings": ("the embeddings that a model returns", ("embeddingsCol", "normalize")),
}

MIXIN = '''

class {name}(Params):
    """Mixin for {about}."""

{declarations}{constructor}{accessors}'''

CONSTRUCTOR = """
    def __init__(self) -> None:
        super().__init__()
{defaults}"""


@dataclass(frozen=True)
class Mixin:
    """A class with Params that several stages share.

    Parameters
    ----------
    name : str
        The class's name.
    about : str
        What the Params are about.
    params : list of dict
        The Params, as the manifest describes them.
    stages : frozenset of str
        The names of the stages that extend it.
    """

    name: str
    about: str
    params: list[dict[str, Any]]
    stages: frozenset[str]

    def source(self) -> str:
        """Write the class."""
        defaults = params.defaults(self.params)
        return MIXIN.format(
            name=self.name,
            about=self.about,
            declarations="".join(params.declaration(param) for param in self.params),
            constructor=CONSTRUCTOR.format(defaults=defaults) if defaults else "",
            accessors="".join(params.accessors(param) for param in self.params),
        )


def find_mixins(stages: list[dict[str, Any]]) -> list[Mixin]:
    """Find the mixins of stages that extend no other stage.

    Where stages have different Params of one name, the mixin has the one that most of them share.

    Parameters
    ----------
    stages : list of dict
        The stages, as the manifest describes them.

    Returns
    -------
    list of Mixin
        The mixins. No Param of a stage is in two of them.
    """
    names = sorted({param["name"] for stage in stages for param in stage["params"]})
    groups = GROUPS | {f"Has{name[0].upper()}{name[1:]}": (f"the Param ``{name}``", (name,)) for name in names}
    left = {stage["className"]: {param["name"]: param for param in stage["params"]} for stage in stages}
    mixins = []
    for mixin_name, (about, group) in groups.items():
        sharing = defaultdict(list)
        for stage, own in left.items():
            if own.keys() >= set(group):
                sharing[json.dumps([own[name] for name in group])].append(stage)
        if sharing:
            definition, chosen = max(sharing.items(), key=lambda item: len(item[1]))
            if len(chosen) > 1:
                mixins.append(Mixin(mixin_name, about, json.loads(definition), frozenset(chosen)))
                for stage in chosen:
                    left[stage] = {name: param for name, param in left[stage].items() if name not in group}
    return mixins
