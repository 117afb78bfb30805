"""What the sdist and the wheel hold, and what the wheel's name promises."""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tarfile
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.packaging.conftest import ROOT, VERSION, Distributions, run, sources

pytestmark = [pytest.mark.packaging, pytest.mark.network]

JARS = (
    f"sparkvision-{VERSION}.jar",
    f"sparkvision-decoder-{VERSION}-linux-x86_64.jar",
    "onnxruntime-*-linux-x86_64.jar",
    "tokenizers-*-linux-x86_64.jar",
    "lucene-core-*.jar",
)


def jar_in(wheel: Path, pattern: str) -> ZipFile:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if fnmatch(name, f"sparkvision/jars/{pattern}"))
        return ZipFile(io.BytesIO(archive.read(name)))


def test_the_wheel_is_for_any_python_3_on_linux_x86_64(distributions: Distributions) -> None:
    assert re.fullmatch(rf"sparkvision-{VERSION}-py3-none-manylinux_2_\d+_x86_64\.whl", distributions.wheel.name)
    with ZipFile(distributions.wheel) as archive:
        metadata = archive.read(f"sparkvision-{VERSION}.dist-info/WHEEL").decode()
    assert "Root-Is-Purelib: false" in metadata


def test_the_wheel_stays_under_100_megabytes(distributions: Distributions) -> None:
    size = distributions.wheel.stat().st_size / 1e6
    print(f"{distributions.wheel.name}: {size:.1f} MB")
    assert size < 100


def test_the_size_of_the_jars_is_what_the_page_on_deployment_says(distributions: Distributions) -> None:
    with ZipFile(distributions.wheel) as wheel:
        size = sum(entry.file_size for entry in wheel.infolist() if entry.filename.endswith(".jar"))
    stated = re.search(
        r"the jars of SparkVision, (\d+) MB", (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    )
    assert stated is not None
    assert abs(size / 1e6 - int(stated[1])) <= 1


def test_the_wheel_carries_its_jars_and_its_type_marker(distributions: Distributions) -> None:
    with ZipFile(distributions.wheel) as archive:
        names = archive.namelist()
    jars = sorted(name.removeprefix("sparkvision/jars/") for name in names if name.startswith("sparkvision/jars/"))
    assert len(jars) == len(JARS)
    for pattern in JARS:
        assert any(fnmatch(jar, pattern) for jar in jars), f"{pattern} is not among {jars}"
    assert "sparkvision/py.typed" in names
    packages = {name.split("/")[0] for name in names}
    assert packages == {"sparkvision", f"sparkvision-{VERSION}.dist-info", f"sparkvision-{VERSION}.data"}


def test_every_file_of_the_package_is_in_the_wheel_and_in_the_sdist(distributions: Distributions) -> None:
    with ZipFile(distributions.wheel) as wheel:
        in_wheel = {name.removeprefix("sparkvision/") for name in wheel.namelist() if name.startswith("sparkvision/")}
    with tarfile.open(distributions.sdist) as sdist:
        in_sdist = {name.partition("/python/sparkvision/")[2] for name in sdist.getnames()}
    assert {name for name in in_wheel if not name.startswith("jars/")} == sources()
    assert in_sdist - {""} == sources()


def test_the_wheel_carries_the_discovery_script_for_gpus_as_a_command(distributions: Distributions) -> None:
    with ZipFile(distributions.wheel) as archive:
        data = [name for name in archive.namelist() if ".data/" in name]
    assert data == [f"sparkvision-{VERSION}.data/scripts/gpu-discovery"]


def test_our_jar_holds_engine_stages_and_the_embedded_model(distributions: Distributions) -> None:
    names = set(jar_in(distributions.wheel, JARS[0]).namelist())
    assert {
        "sparkvision/engine/LocalModel.class",
        "sparkvision/ml/ViTForImageClassification.class",
        "sparkvision/models/digits/sparkvision.json",
        "META-INF/services/org.apache.spark.ml.Transformer",
        "META-INF/LICENSE",
    } <= names


def test_the_licences_of_what_is_carried_are_carried_too(distributions: Distributions) -> None:
    decoder = jar_in(distributions.wheel, JARS[1]).namelist()
    for part in ("openblas", "lapack", "libwebp", "gcc-runtime", "libquadmath"):
        assert f"META-INF/licenses/{part}-LICENSE.txt" in decoder
    assert any("libjpeg-turbo-LICENSE" in name for name in decoder)
    runtime = jar_in(distributions.wheel, JARS[2])
    assert b"MIT License" in runtime.read("META-INF/LICENSE")
    assert "ThirdPartyNotices.txt" in runtime.namelist()
    tokenizers = jar_in(distributions.wheel, JARS[3]).namelist()
    for part in ("THIRD-PARTY", "mit-LICENSE", "isc-LICENSE", "unicode-LICENSE", "oniguruma-LICENSE"):
        assert f"META-INF/licenses/{part}.txt" in tokenizers
    assert {"META-INF/LICENSE.txt", "META-INF/NOTICE.txt"} <= set(jar_in(distributions.wheel, JARS[4]).namelist())


def test_the_tokenizers_jar_holds_what_is_called_and_nothing_that_downloads(distributions: Distributions) -> None:
    jar = jar_in(distributions.wheel, JARS[3])
    names = [name for name in jar.namelist() if not name.startswith("META-INF/")]
    size = sum(jar.getinfo(name).compress_size for name in names) / 1e6
    print(f"tokenizers: {size:.1f} MB packed")
    assert {Path(name).name for name in names} == {
        "TokenizersLibrary.class",
        "CharSpan.class",
        "EngineException.class",
        "libtokenizers.so",
    }
    assert size < 6


def test_lucenes_classes_for_newer_javas_are_found(distributions: Distributions) -> None:
    lucene = jar_in(distributions.wheel, JARS[4])
    assert b"Multi-Release: true" in lucene.read("META-INF/MANIFEST.MF")


@pytest.mark.parametrize("pattern", JARS[1:])
def test_upstream_jars_are_the_same_bytes_wherever_they_are_built(distributions: Distributions, pattern: str) -> None:
    (here,) = (ROOT / "python" / "sparkvision" / "jars").glob(pattern)
    with ZipFile(distributions.wheel) as archive:
        in_wheel = archive.read(f"sparkvision/jars/{here.name}")
    assert hashlib.sha256(in_wheel).hexdigest() == hashlib.sha256(here.read_bytes()).hexdigest()


def test_the_sdist_holds_sources_and_no_build_output(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    assert {"build.sbt", "VERSION", "LICENSE", "README.md", "scripts/sbt", "project/WheelJars.scala"} <= set(names)
    assert any(name.startswith("jvm/spark/src/main/") for name in names)
    assert [name for name in names if name.endswith((".jar", ".class", ".pyc")) or "/target/" in name] == []


def test_an_index_would_take_sdist_and_wheels(distributions: Distributions) -> None:
    output = run(
        sys.executable, "-m", "twine", "check", "--strict", distributions.sdist, *distributions.wheels.values()
    )
    assert output.count("PASSED") == 4
