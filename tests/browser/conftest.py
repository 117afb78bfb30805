"""A headless Chromium, shared by the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.browser import chromium

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if chromium.installed() is None:
        pytest.skip("needs Chromium and its driver")
    with chromium.headless(tmp_path_factory.mktemp("profile")) as driver:
        yield driver
