"""The POMs that Maven, Gradle, sbt and Spark read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from tests.packaging.conftest import VERSION

pytestmark = [pytest.mark.packaging, pytest.mark.network]

ARTIFACTS = (
    "sparkvision-image",
    "sparkvision-engine",
    "sparkvision-core",
    "sparkvision",
    "sparkvision-gpu",
    "sparkvision-onednn",
)
NAMESPACE = {"pom": "http://maven.apache.org/POM/4.0.0"}


class Dependency(NamedTuple):
    group: str
    artifact: str
    scope: str
    classifier: str


def folder_of(repository: Path, artifact: str) -> Path:
    return repository / "io" / "github" / "sparkvision" / f"{artifact}_2.13" / VERSION


def pom(repository: Path, artifact: str) -> ElementTree.Element:
    return ElementTree.parse(folder_of(repository, artifact) / f"{artifact}_2.13-{VERSION}.pom").getroot()


def dependencies(repository: Path, artifact: str) -> set[Dependency]:
    return {
        Dependency(
            element.findtext("pom:groupId", "", NAMESPACE),
            element.findtext("pom:artifactId", "", NAMESPACE),
            element.findtext("pom:scope", "compile", NAMESPACE),
            element.findtext("pom:classifier", "", NAMESPACE),
        )
        for element in pom(repository, artifact).iterfind("pom:dependencies/pom:dependency", NAMESPACE)
    }


def runtimes(repository: Path, artifact: str) -> set[str]:
    """The ONNX Runtime jars that a user of this artifact gets."""
    found = dependencies(repository, artifact)
    return {f"{d.group}:{d.artifact}" for d in found if d.artifact.startswith("onnxruntime") and d.scope == "compile"}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_each_artifact_has_what_maven_central_asks_for(maven_repository: Path, artifact: str) -> None:
    root = pom(maven_repository, artifact)
    for element in (
        "name",
        "description",
        "url",
        "licenses/license/url",
        "scm/connection",
        "developers/developer/name",
    ):
        assert root.findtext("/".join(f"pom:{part}" for part in element.split("/")), "", NAMESPACE), element
    names = {path.name for path in folder_of(maven_repository, artifact).iterdir()}
    for kind in ("", "-sources", "-javadoc"):
        assert f"{artifact}_2.13-{VERSION}{kind}.jar" in names


@pytest.mark.parametrize("artifact", ["sparkvision-image", "sparkvision-engine"])
def test_image_and_engine_know_no_spark(maven_repository: Path, artifact: str) -> None:
    groups = {dependency.group for dependency in dependencies(maven_repository, artifact)}
    assert "org.apache.spark" not in groups


def test_the_image_artifact_brings_the_decoder_with_its_natives_and_no_runtime(maven_repository: Path) -> None:
    found = dependencies(maven_repository, "sparkvision-image")
    for preset in ("opencv", "openblas", "javacpp"):
        assert Dependency("org.bytedeco", preset, "compile", "") in found
        assert Dependency("org.bytedeco", preset, "compile", "linux-x86_64") in found
    assert "com.microsoft.onnxruntime" not in {dependency.group for dependency in found}


def test_the_engine_brings_the_image_artifact(maven_repository: Path) -> None:
    found = dependencies(maven_repository, "sparkvision-engine")
    assert Dependency("io.github.sparkvision", "sparkvision-image_2.13", "compile", "") in found


def test_core_expects_spark_to_be_there(maven_repository: Path) -> None:
    found = dependencies(maven_repository, "sparkvision-core")
    assert {d.scope for d in found if d.group == "org.apache.spark"} == {"provided"}
    assert Dependency("io.github.sparkvision", "sparkvision-engine_2.13", "compile", "") in found


@pytest.mark.parametrize(
    ("artifact", "runtime"),
    [
        ("sparkvision-engine", set()),
        ("sparkvision-core", set()),
        ("sparkvision", {"com.microsoft.onnxruntime:onnxruntime"}),
        ("sparkvision-gpu", {"com.microsoft.onnxruntime:onnxruntime_gpu"}),
        ("sparkvision-onednn", {"org.bytedeco:onnxruntime"}),
    ],
)
def test_each_variant_brings_its_own_runtime_and_no_other(
    maven_repository: Path, artifact: str, runtime: set[str]
) -> None:
    assert runtimes(maven_repository, artifact) == runtime
