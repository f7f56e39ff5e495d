"""A browser for tests: Debian's Chromium without a screen, by Selenium."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1400,1000"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_TIMEOUT_S = 60


def has_browser() -> bool:
    return bool(shutil.which("chromedriver") and shutil.which("chromium"))


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, path: Path) -> float:
        """Opens a file and waits until its scripts have listed something; returns the seconds that took."""
        started = time.monotonic()
        self.visit(path.resolve().as_uri())
        self.wait("return document.readyState === 'complete' && !!document.querySelector('#list button')")
        return time.monotonic() - started

    def visit(self, url: str) -> None:
        """Opens an address and waits until it has loaded; what its scripts fetch comes later."""
        self._driver.get(url)

    def resize(self, width: int, height: int) -> None:
        """The window's size in pixels."""
        self._driver.set_window_size(width, height)

    def emulate_width(self, width: int) -> None:
        """The page's width in pixels, also below what a window can have."""
        metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def emulate_dark(self, dark: bool) -> None:
        """Whether the system prefers dark pages."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments: Any) -> None:
        """Until a script returns what is true."""
        waiting = WebDriverWait(self._driver, _TIMEOUT_S, poll_frequency=0.02)
        waiting.until(lambda driver: driver.execute_script(script, *arguments), f"never came true: {script}")

    def log(self) -> list[str]:
        """Errors of the page."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(self._driver.get_screenshot_as_png())


@contextmanager
def open_browser(profile: Path) -> Generator[Browser]:
    """A fresh browser; `profile` is an empty directory of its own."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
    # the driver is named, so that Selenium looks for none elsewhere
    driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
