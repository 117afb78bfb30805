"""docs/errors.md has every public error, and quotes messages that the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.conftest import ROOT

from sparkvision import errors

PAGE = (ROOT / "docs" / "errors.md").read_text()
# The last section lists messages of other software.
OURS = PAGE.partition("## Errors of other components")[0]
MESSAGES = re.findall(r"^\| `(.+?)` \|", OURS, re.M)


def sources() -> str:
    """Return all sources, each message that is written in several pieces in one."""
    files = [*(ROOT / "python" / "sparkvision").rglob("*.py"), *(ROOT / "jvm").glob("*/src/main/**/*.scala")]
    text = "\n".join(Path(file).read_text() for file in files)
    return re.sub(r'"\s*\+?\s*\n\s*[fs]?"', "", text).replace('\\"', '"')


def test_every_public_error_has_a_section() -> None:
    public = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert public == {line.removeprefix("## ") for line in OURS.splitlines() if line.startswith("## ")}


@pytest.fixture(scope="module")
def code() -> str:
    return sources()


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_is_the_codes(message: str, code: str) -> None:
    missing = [part for part in map(str.strip, message.split("…")) if part not in code]
    assert not missing
