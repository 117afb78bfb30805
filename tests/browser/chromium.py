"""Headless Chromium, for the tests of pages and for the screenshots in docs/."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def browser() -> str | None:
    """Return the path of Chromium, which shows a page without its driver too."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def installed() -> tuple[str, str] | None:
    """Return the paths of Chromium and its driver, as Debian's packages `chromium` and `chromium-driver` have them."""
    program, driver = browser(), shutil.which("chromedriver")
    return (program, driver) if program and driver else None


@contextmanager
def headless(profile: Path) -> Iterator[Chrome]:
    """Run Chromium, with a profile of its own in an empty folder, and what pages write to the console kept."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    paths = installed()
    if paths is None:
        raise RuntimeError("Install Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = paths[0]
    # Without a sandbox, which needs rights that containers lack; and with files where /dev/shm is too small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, ChromeService(paths[1]))
    try:
        yield driver
    finally:
        driver.quit()


def resize(driver: Chrome, width: int, height: int = 900) -> None:
    """Set the width and height of the page in CSS pixels; the emulated device can be narrower than a window."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def colour_scheme(driver: Chrome, scheme: str) -> None:
    """Let the page believe that its reader likes it `light` or `dark`."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def console(driver: Any) -> list[str]:
    """Return what the page has written to the console, and the browser about the page, since the last call."""
    return [str(entry["message"]) for entry in driver.get_log("browser")]
