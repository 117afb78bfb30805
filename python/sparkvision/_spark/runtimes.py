"""ONNX Runtimes other than that of the wheel: their jars, and how they are fetched.

The jars have classifiers, which `spark.jars.packages` cannot name. They are fetched once, with pyspark's own Ivy (which
also resolves `spark.jars.packages`), or taken from a folder of the user.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from sparkvision.errors import SessionError

# As in project/Dependencies.scala; a test compares the two.
JAVACPP = "1.5.13"
JAVACPP_PRESETS = {"onnxruntime": f"1.24.1-{JAVACPP}", "dnnl": f"3.11-{JAVACPP}", "opencl": f"3.0-{JAVACPP}"}
PLATFORM = "linux-x86_64"

_CLASSIFIER = "{http://ant.apache.org/ivy/extra}classifier"


@dataclass(frozen=True)
class Artifact:
    """One jar of JavaCPP or its presets. Jars of classes have no classifier, jars of natives have the platform's."""

    name: str
    version: str
    classifier: str = ""

    @property
    def file_name(self) -> str:
        """The file name of the jar, as Maven forms it."""
        return "-".join(filter(None, [self.name, self.version, self.classifier])) + ".jar"


def _presets(onnxruntime_natives: str) -> tuple[Artifact, ...]:
    natives = {name: PLATFORM for name in JAVACPP_PRESETS} | {"onnxruntime": onnxruntime_natives}
    # All of JavaCPP: the decoder's jar has only its natives and the few classes that the decoder needs.
    return (
        Artifact("javacpp", JAVACPP),
        *(
            Artifact(name, version, classifier)
            for name, version in JAVACPP_PRESETS.items()
            for classifier in ("", natives[name])
        ),
    )


ONEDNN = _presets(PLATFORM)
CUDA_13 = _presets(f"{PLATFORM}-gpu")


def runtime_jars(
    artifacts: Sequence[Artifact], folder: str | Path | None = None, ivy_settings: str | None = None
) -> list[Path]:
    """Return the jars of a runtime; fetch them into the user's cache unless the cache has them.

    Parameters
    ----------
    artifacts
        The jars.
    folder
        A folder that holds the jars; nothing is fetched.
    ivy_settings
        An Ivy settings file, for a mirror of Maven Central (Spark's ``spark.jars.ivySettings``).

    Returns
    -------
    list of Path

    Raises
    ------
    SessionError
        When the folder lacks some of the jars, or they cannot be fetched; the message names them.
    """
    where = Path(folder) if folder is not None else _cache()
    jars = [where / artifact.file_name for artifact in artifacts]
    missing = [jar.name for jar in jars if not jar.is_file()]
    if missing and folder is not None:
        raise SessionError(
            f"{where} lacks {', '.join(missing)}. Put them there (group org.bytedeco on Maven Central), or let "
            "SparkVision fetch them: start(onednn=True)."
        )
    if missing:
        _fetch([artifact for artifact in artifacts if artifact.file_name in missing], where, ivy_settings)
    return jars


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparkvision" / "jars"


def _fetch(artifacts: Sequence[Artifact], target: Path, ivy_settings: str | None) -> None:
    import pyspark

    (ivy,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
    target.mkdir(parents=True, exist_ok=True)
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else Path("java")
    # Jars are downloaded beside their place and then renamed, so that an interruption leaves no incomplete jar.
    with tempfile.TemporaryDirectory(dir=target) as unfinished:
        module = Path(unfinished, "ivy.xml")
        module.write_bytes(_ivy_module(artifacts))
        command = [str(java), "-jar", str(ivy), "-ivy", str(module), "-cache", str(Path(unfinished, "ivy"))]
        command += ["-settings", ivy_settings] if ivy_settings else []
        command += ["-retrieve", str(Path(unfinished, "[artifact]-[revision](-[classifier]).[ext]")), "-warn"]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        fetched = [Path(unfinished, artifact.file_name) for artifact in artifacts]
        missing = [jar.name for jar in fetched if not jar.is_file()]
        if result.returncode != 0 or missing:
            raise SessionError(
                f"{', '.join(missing) or 'The jars'} cannot be fetched from Maven Central: "
                f"{_last_words(result.stdout)} Where there is no network, put them into a folder and name it: "
                'start(onednn="FOLDER"); where there is a mirror, set spark.jars.ivySettings.'
            )
        for jar in fetched:
            jar.replace(target / jar.name)


def _ivy_module(artifacts: Sequence[Artifact]) -> bytes:
    module = ElementTree.Element("ivy-module", version="2.0")
    ElementTree.SubElement(module, "info", organisation="io.github.sparkvision", module="runtime")
    dependencies = ElementTree.SubElement(module, "dependencies")
    for name, version in sorted({(artifact.name, artifact.version) for artifact in artifacts}):
        dependency = ElementTree.SubElement(
            dependencies, "dependency", org="org.bytedeco", name=name, rev=version, transitive="false"
        )
        for artifact in artifacts:
            if artifact.name == name:
                jar = ElementTree.SubElement(dependency, "artifact", name=name, type="jar", ext="jar")
                if artifact.classifier:
                    jar.set(_CLASSIFIER, artifact.classifier)
    return ElementTree.tostring(module)


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip(" :\t")]
    return " ".join(lines[-3:])[:500] or "Ivy printed nothing."
