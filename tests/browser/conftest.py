"""A headless Chromium, shared by the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import browser
import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if browser.installed() is None:
        pytest.skip("needs Chromium and its driver")
    with browser.headless(tmp_path_factory.mktemp("profile")) as driver:
        yield driver
