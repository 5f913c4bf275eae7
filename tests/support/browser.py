"""A headless Chromium, driven over the WebDriver protocol with the standard library alone."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

DRIVER: Final = shutil.which("chromedriver")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AVAILABLE: Final = DRIVER is not None and CHROMIUM is not None
KEYS: Final = {"tab": "\ue004", "enter": "\ue007", "space": " "}

_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id, by the WebDriver standard
# Looks on every frame that the browser draws, until the condition holds.
_WAIT: Final = """
const done = arguments[arguments.length - 1];
const check = new Function("return (" + arguments[0] + ");");
const look = () => { check() ? done(true) : setTimeout(look, 20); };
look();
"""


class Browser:
    """One page."""

    def __init__(self, address: str, session: str) -> None:
        self._session = f"{address}/session/{session}"

    def open(self, url: str) -> None:
        """Go to an address."""
        self._post("url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return its value."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def wait(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        self._post("execute/async", script=_WAIT, args=[condition])

    def click(self, selector: str) -> None:
        """Click on an element, as a person would: it must be visible."""
        self._post(f"element/{self._find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Replace what stands in a field."""
        self._post(f"element/{self._find(selector)}/clear")
        self._post(f"element/{self._find(selector)}/value", text=text)

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return str(_request("GET", f"{self._session}/element/{self._find(selector)}/text"))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        strokes = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("actions", actions=[{"type": "key", "id": "keyboard", "actions": strokes}])

    def command(self, name: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._post("goog/cdp/execute", cmd=name, params=parameters)

    def errors(self) -> list[str]:
        """Return what went wrong in the page since the last call."""
        entries = self._post("se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, file: Path) -> None:
        """Save a picture of the visible part."""
        file.write_bytes(base64.b64decode(_request("GET", f"{self._session}/screenshot")))

    def close(self) -> None:
        """End the browser."""
        _request("DELETE", self._session)

    def _find(self, selector: str) -> str:
        found: dict[str, str] = self._post("element", using="css selector", value=selector)
        return found[_ELEMENT]

    def _post(self, path: str, **body: Any) -> Any:
        return _request("POST", f"{self._session}/{path}", body)


@contextmanager
def browsing() -> Generator[Browser]:
    """Start a browser; `evil.example` resolves to this machine in it."""
    assert DRIVER is not None
    driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert driver.stdout is not None
    try:
        line = next(line for line in driver.stdout if "started successfully on port" in line)
        address = f"http://127.0.0.1:{line.rstrip().rstrip('.').rpartition(' ')[2]}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        options = {"binary": CHROMIUM, "args": [*arguments, "--host-resolver-rules=MAP evil.example 127.0.0.1"]}
        wanted = {
            "browserName": "chrome",
            "timeouts": {"script": 60_000},
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = _request("POST", f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})
        browser = Browser(address, made["sessionId"])
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        driver.communicate()


def _request(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from None
