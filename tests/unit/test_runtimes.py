"""The other ONNX Runtimes: which jars a session gets for oneDNN and CUDA, and what is said where they cannot be had."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.conftest import ROOT

from sparkvision._spark import cuda
from sparkvision._spark.jars import jars
from sparkvision._spark.runtimes import CUDA_13, JAVACPP, JAVACPP_PRESETS, ONEDNN, runtime_jars
from sparkvision._spark.start import configure
from sparkvision.errors import ParameterError, SessionError


def own_jars() -> list[Path]:
    return [jar for jar in jars() if not jar.name.startswith("onnxruntime-")]


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sparkvision" / "jars"


@pytest.fixture
def cuda_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on LD_LIBRARY_PATH, to put libraries into; this machine's own are not seen."""
    monkeypatch.setattr(cuda, "_of_system", list)
    monkeypatch.setattr(cuda, "pip_libraries", dict)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    return tmp_path


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_a_folder_gives_the_runtime_with_onednn_in_place_of_the_cpus(tmp_path: Path) -> None:
    put(tmp_path, *(artifact.file_name for artifact in ONEDNN))
    assert jars(onednn=tmp_path) == [*own_jars(), *(tmp_path / artifact.file_name for artifact in ONEDNN)]


def test_a_folder_that_lacks_a_jar_is_refused_naming_it(tmp_path: Path) -> None:
    put(tmp_path, *(artifact.file_name for artifact in ONEDNN[1:]))
    with pytest.raises(SessionError, match=r"lacks javacpp-1\.5\.13\.jar"):
        jars(onednn=tmp_path)


def test_the_presets_are_those_of_the_maven_artifact() -> None:
    build = (ROOT / "project" / "Dependencies.scala").read_text(encoding="utf-8")
    for name, version in JAVACPP_PRESETS.items():
        assert f'"org.bytedeco" % "{name}" % s"{version.removesuffix(JAVACPP)}$javacppVersion"' in build
    assert f'javacppVersion = "{JAVACPP}"' in build


def test_the_runtime_for_cuda_13_has_natives_of_its_own() -> None:
    assert "onnxruntime-1.24.1-1.5.13-linux-x86_64-gpu.jar" in {artifact.file_name for artifact in CUDA_13}


def ivy_settings(folder: Path, repository: Path) -> str:
    """Settings by which Ivy looks into a folder and nowhere else."""
    pattern = f"{repository}/[artifact]-[revision](-[classifier]).[ext]"
    resolver = f'<filesystem name="folder" m2compatible="true"><artifact pattern="{pattern}"/></filesystem>'
    settings = folder / "ivysettings.xml"
    settings.write_text(
        f'<ivysettings><settings defaultResolver="folder"/><resolvers>{resolver}</resolvers></ivysettings>'
    )
    return str(settings)


def test_what_cannot_be_fetched_is_named_and_leaves_nothing_behind(empty_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"dnnl-3\.11-1\.5\.13\.jar.* cannot be fetched.*start\(onednn=\"FOLDER\"\)"):
        runtime_jars(ONEDNN, ivy_settings=ivy_settings(tmp_path, tmp_path / "nothing"))
    assert list(empty_cache.iterdir()) == []


def test_a_mirror_named_by_ivy_settings_is_used(empty_cache: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    put(mirror, *(artifact.file_name for artifact in ONEDNN))
    fetched = runtime_jars(ONEDNN, ivy_settings=ivy_settings(tmp_path, mirror))
    assert fetched == [empty_cache / artifact.file_name for artifact in ONEDNN]
    assert {file.name for file in empty_cache.iterdir()} == {file.name for file in fetched}


def test_gpu_and_onednn_at_once_are_refused() -> None:
    with pytest.raises(ParameterError, match="choose"):
        jars(gpu=True, onednn=True)


def test_an_unknown_generation_of_cuda_is_refused() -> None:
    with pytest.raises(ParameterError, match='"cuda12" or "cuda13", not \'cuda11\''):
        jars(gpu="cuda11")  # type: ignore[arg-type]


def test_the_libraries_that_are_there_choose_the_generation_of_cuda(cuda_libraries: Path) -> None:
    assert cuda.choose(cuda.libraries()) == "cuda12"
    put(cuda_libraries, *cuda.NEEDED["cuda13"])
    assert cuda.choose(cuda.libraries()) == "cuda13"
    put(cuda_libraries, *cuda.NEEDED["cuda12"])
    assert cuda.choose(cuda.libraries()) == "cuda12"


def test_nothing_is_amiss_where_libraries_and_driver_are_there(cuda_libraries: Path) -> None:
    put(cuda_libraries, *cuda.NEEDED["cuda12"], cuda.DRIVER)
    assert cuda.problem("cuda12") is None


def test_missing_libraries_are_named_with_what_to_install(cuda_libraries: Path) -> None:
    put(cuda_libraries, *cuda.NEEDED["cuda12"][1:], cuda.DRIVER)
    problem = cuda.problem("cuda12")
    assert problem is not None and "libcublasLt.so.12" in problem and "nvidia-cublas-cu12" in problem
    assert "libcudart.so.12" not in problem


def test_the_other_generation_of_cuda_is_noticed(cuda_libraries: Path) -> None:
    put(cuda_libraries, *cuda.NEEDED["cuda13"], cuda.DRIVER)
    problem = cuda.problem("cuda12")
    assert problem is not None and 'It has CUDA 13: use start(gpu="cuda13")' in problem


def test_libraries_of_python_packages_are_shown_the_way(cuda_libraries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = {name: Path("/site/nvidia/lib") / name for name in cuda.NEEDED["cuda12"]}
    monkeypatch.setattr(cuda, "pip_libraries", lambda: packages)
    problem = cuda.problem("cuda12")
    assert problem is not None and "export LD_LIBRARY_PATH=/site/nvidia/lib" in problem
    assert "libcuda.so.1 comes with NVIDIA's driver" in problem


def test_a_session_for_a_gpu_warns_of_what_this_machine_lacks(cuda_libraries: Path) -> None:
    builder = SparkSession.Builder()
    builder._options = {}
    with pytest.warns(UserWarning, match=r"lacks .*libcublasLt\.so\.12.*executors"):
        configure(builder, gpu="cuda12")


def discovery(tmp_path: Path, nvidia_smi: str | None) -> subprocess.CompletedProcess[str]:
    if nvidia_smi is not None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{nvidia_smi}\n")
        program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), "/usr/bin", "/bin"])
    script = ROOT / "scripts" / "gpu-discovery"
    return subprocess.run([script], env={"PATH": path}, capture_output=True, text=True)


def test_the_discovery_script_gives_spark_the_gpus_by_number(tmp_path: Path) -> None:
    run = discovery(tmp_path, "printf '0\\n1\\n11\\n'")
    assert json.loads(run.stdout) == {"name": "gpu", "addresses": ["0", "1", "11"]}


@pytest.mark.parametrize("nvidia_smi", [None, "echo no devices were found; exit 0", "echo driver mismatch; exit 9"])
def test_the_discovery_script_says_what_is_wrong(tmp_path: Path, nvidia_smi: str | None) -> None:
    run = discovery(tmp_path, nvidia_smi)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("gpu-discovery: nvidia-smi")
