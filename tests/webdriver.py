"""A browser for tests: Debian's Chromium without a screen, driven by its driver (W3C WebDriver)."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1400,1000"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def has_browser() -> bool:
    return bool(shutil.which("chromedriver") and shutil.which("chromium"))


class Browser:
    """One window."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client, self._path = client, f"/session/{session}"

    def open(self, path: Path) -> float:
        """Opens a file and waits until its scripts have listed something; returns the seconds that took."""
        started = time.monotonic()
        self.visit(path.resolve().as_uri())
        self.wait("return document.readyState === 'complete' && !!document.querySelector('#list button')")
        return time.monotonic() - started

    def visit(self, url: str) -> None:
        """Opens an address and waits until it has loaded; what its scripts fetch comes later."""
        self._post("url", {"url": url})

    def resize(self, width: int, height: int) -> None:
        """The window's size in pixels."""
        self._post("window/rect", {"width": width, "height": height})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._post("execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str, *arguments: Any) -> None:
        for _ in range(300):
            if self.run(script, *arguments):
                return
            time.sleep(0.02)
        raise AssertionError(f"never came true: {script}")

    def log(self) -> list[str]:
        """Errors of the page."""
        return [entry["message"] for entry in self._post("se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        data = self._client.get(f"{self._path}/screenshot").raise_for_status().json()["value"]
        path.write_bytes(base64.b64decode(data))

    def _post(self, command: str, body: dict[str, Any]) -> Any:
        answer = self._client.post(f"{self._path}/{command}", json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(answer["message"])
        return answer


@contextmanager
def open_browser(profile: Path) -> Generator[Browser]:
    """A fresh browser; `profile` is an empty directory of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            _await(client)
            options = {"binary": shutil.which("chromium"), "args": [*_FLAGS, f"--user-data-dir={profile}"]}
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "SEVERE"},
            }
            made = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).raise_for_status().json()
            session = made["value"]["sessionId"]
            try:
                yield Browser(client, session)
            finally:
                client.delete(f"/session/{session}")
    finally:
        driver.terminate()
        driver.wait()


def _await(client: httpx.Client) -> None:
    for _ in range(200):
        try:
            if client.get("/status").json()["value"]["ready"]:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the driver does not answer")
