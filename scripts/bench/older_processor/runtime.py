"""A copy of onnxruntime that takes the processor for one with AVX2 and nothing newer.

ONNX Runtime chooses its kernels by what the CPUID instruction says, and has no setting for it. So the copy asks
hide_avx512.c instead. It needs gcc and objdump, on Linux x86_64.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).with_name("hide_avx512.c")
CPUID, BREAKPOINT = b"\x0f\xa2", b"\xcc\x90"


def addresses(listing: Iterable[str]) -> Iterator[int]:
    """Find the CPUID instructions in what ``objdump --disassemble`` prints."""
    for line in listing:
        if found := re.match(r"\s*([0-9a-f]+):\s.*\bcpuid\b", line):
            yield int(found[1], 16)


def segments(headers: str) -> Iterator[tuple[int, int, int]]:
    """Find each segment's address, place in the file and size in what ``objdump --private-headers`` prints."""
    pattern = r"LOAD off\s+0x([0-9a-f]+) vaddr 0x([0-9a-f]+).*\n\s+filesz 0x([0-9a-f]+)"
    for place, address, size in re.findall(pattern, headers):
        yield int(address, 16), int(place, 16), int(size, 16)


def patched(library: Path) -> bytes:
    """Give a library with a breakpoint in place of each of its CPUID instructions."""
    where = list(segments(_output("objdump", "--private-headers", str(library))))
    code = bytearray(library.read_bytes())
    for found in addresses(_output("objdump", "--disassemble", "--no-show-raw-insn", str(library)).splitlines()):
        (place,) = [place + found - first for first, place, size in where if first <= found < first + size]
        if code[place : place + 2] != CPUID:
            raise ValueError(f"there is no CPUID instruction at byte {place} of {library}")
        code[place : place + 2] = BREAKPOINT
    return bytes(code)


def environment(folder: Path) -> dict[str, str]:
    """Make the copy below a folder, once, and give the environment variables of a Python that uses it."""
    hidden, package = folder / "hide_avx512.so", folder / "onnxruntime"
    if not hidden.exists():
        original = find_spec("onnxruntime")
        assert original is not None and original.origin is not None
        shutil.copytree(Path(original.origin).parent, package, dirs_exist_ok=True)
        (library,) = (package / "capi").glob("onnxruntime_pybind11_state*.so")
        library.write_bytes(patched(library))
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", str(hidden), str(SOURCE)], check=True)
    return {"PYTHONPATH": str(folder), "LD_PRELOAD": str(hidden)}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
