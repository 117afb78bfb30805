"""The generator of the Python stages: which Params become mixins, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from python_stages.mixins import find_mixins
from python_stages.modules import modules


def param(name: str, doc: str = "a Param", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "int", "doc": doc, **more}


def stage(name: str, *params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"className": f"sparkvision.ml.{name}", "doc": f"A {name}.", "params": list(params), **more}


def test_a_param_that_stages_share_has_a_mixin() -> None:
    (mixin,) = find_mixins([stage("A", param("topK")), stage("B", param("topK"), param("size"))])
    assert mixin.name == "HasTopK" and mixin.stages == {"sparkvision.ml.A", "sparkvision.ml.B"}


@pytest.mark.parametrize("other", [param("topK", default=3), param("topK", "another doc"), param("topK", lowest=1)])
def test_params_that_differ_share_no_mixin(other: dict[str, Any]) -> None:
    assert find_mixins([stage("A", param("topK")), stage("B", other)]) == []


def test_the_mixin_has_the_param_that_most_stages_share() -> None:
    stages = [stage(name, param("topK", default=3)) for name in "AB"] + [stage(name, param("topK")) for name in "CDE"]
    (mixin,) = find_mixins(stages)
    assert mixin.params == [param("topK")]


def test_params_of_one_purpose_share_a_mixin() -> None:
    stages = [stage(name, param("modelPath"), param("bundleHash")) for name in "AB"]
    (mixin,) = find_mixins(stages)
    assert mixin.name == "HasModel" and [param["name"] for param in mixin.params] == ["modelPath", "bundleHash"]


def test_a_stage_that_extends_another_has_only_its_name_and_documentation() -> None:
    parent = stage("ObjectDetection", param("topK"))
    child = stage("DetrForObjectDetection", param("topK"), parent="sparkvision.ml.ObjectDetection")
    _, source = modules([parent, child])
    written = source[source.index("class DetrForObjectDetection(ObjectDetection):") :]
    assert "def " not in written and '_java_class = "sparkvision.ml.DetrForObjectDetection"' in written


def test_a_stage_with_other_params_than_the_one_that_it_extends_is_refused() -> None:
    parent = stage("ObjectDetection", param("topK"))
    child = stage("DetrForObjectDetection", param("topK", default=3), parent="sparkvision.ml.ObjectDetection")
    with pytest.raises(ValueError, match="DetrForObjectDetection has other Params than sparkvision.ml.ObjectDetection"):
        modules([parent, child])


def test_a_stage_without_documentation_of_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="Segmenter has no documentation of its columns"):
        modules([stage("Segmenter", param("topK"))])
