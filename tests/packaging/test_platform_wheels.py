"""The wheel of each platform: its own natives and no others, and a tag that they keep. Only one is also run."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.packaging.conftest import Distributions

pytestmark = [pytest.mark.packaging, pytest.mark.network]

# ELF's and Mach-O's numbers for a processor: e_machine in elf.h, cputype in mach/machine.h.
ELF_MACHINES = {"linux-x86_64": 62, "linux-aarch64": 183}
MACH_ARM64 = 0x0100000C
MACH_64_BIT = b"\xcf\xfa\xed\xfe"
MACH_UNIVERSAL = b"\xca\xfe\xba\xbe"
LC_BUILD_VERSION = 0x32  # mach-o/loader.h; its third word is the oldest system it runs on, major version above 16 bits

# What OpenCV's three modules, ONNX Runtime and the tokenizers are loaded through: without one of them nothing works.
NEEDED = (
    "jnijavacpp",
    "jniopenblas",
    "jniopencv_core",
    "jniopencv_imgproc",
    "jniopencv_imgcodecs",
    "onnxruntime4j_jni",
    "tokenizers",
)

PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64")


def natives(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Every shared library in the wheel's jars, told by its content and not by its name."""
    with ZipFile(wheel) as archive:
        for jar in (name for name in archive.namelist() if name.endswith(".jar")):
            with ZipFile(io.BytesIO(archive.read(jar))) as inner:
                for name in inner.namelist():
                    # A universal library and a Java class begin alike.
                    if not name.endswith(".class") and is_native(content := inner.read(name)):
                        yield name, content


def is_native(content: bytes) -> bool:
    return content[:4] in (b"\x7fELF", MACH_64_BIT, MACH_UNIVERSAL) or content[:2] == b"MZ"


def runs_on(content: bytes, platform: str) -> bool:
    if platform in ELF_MACHINES:
        return content[:4] == b"\x7fELF" and struct.unpack_from("<H", content, 18) == (ELF_MACHINES[platform],)
    if content[:4] == MACH_UNIVERSAL:
        (count,) = struct.unpack_from(">I", content, 4)
        return MACH_ARM64 in {struct.unpack_from(">I", content, 8 + 20 * index)[0] for index in range(count)}
    return content[:4] == MACH_64_BIT and struct.unpack_from("<I", content, 4) == (MACH_ARM64,)


def needed_glibc(content: bytes) -> int:
    return max((int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)), default=0)


def needed_macos(content: bytes) -> int:
    """The major version; 0 for a universal library, whose parts are not looked into."""
    if content[:4] == MACH_UNIVERSAL:
        return 0
    (commands,) = struct.unpack_from("<I", content, 16)
    at, found = 32, 0
    for _ in range(commands):
        command, size = struct.unpack_from("<II", content, at)
        if command == LC_BUILD_VERSION:
            found = struct.unpack_from("<I", content, at + 12)[0] >> 16
        at += size
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_native_is_the_platforms_own(distributions: Distributions, platform: str) -> None:
    found = dict(natives(distributions.wheels[platform]))
    names = {re.sub(r"^lib|[.\d]*\.(so|dylib).*$", "", Path(name).name) for name in found}
    assert set(NEEDED) <= names
    assert [name for name, content in found.items() if not runs_on(content, platform)] == []


@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64"])
def test_no_native_needs_a_newer_glibc_than_the_wheel_promises(distributions: Distributions, platform: str) -> None:
    wheel = distributions.wheels[platform]
    promised = int(re.findall(r"manylinux_2_(\d+)_", wheel.name)[0])
    needed = {name: needed_glibc(content) for name, content in natives(wheel)}
    print(f"{wheel.name}: glibc 2.{max(needed.values())} needed")
    assert max(needed.values()) == promised


def test_no_native_needs_a_newer_macos_than_the_wheel_promises(distributions: Distributions) -> None:
    wheel = distributions.wheels["macos-arm64"]
    promised = int(re.findall(r"macosx_(\d+)_0_arm64", wheel.name)[0])
    needed = {name: needed_macos(content) for name, content in natives(wheel)}
    print(f"{wheel.name}: macOS {max(needed.values())} needed")
    assert max(needed.values()) == promised


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_wheel_differs_from_the_others_in_its_natives_alone(distributions: Distributions, platform: str) -> None:
    def python_files(wheel: Path) -> dict[str, int]:
        with ZipFile(wheel) as archive:
            return {entry.filename: entry.CRC for entry in archive.infolist() if entry.filename.endswith(".py")}

    assert python_files(distributions.wheels[platform]) == python_files(distributions.wheel)
