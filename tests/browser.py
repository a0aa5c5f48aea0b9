"""A real Chromium without a window, driven over its debugging pipe: what pages do, not what they should do.

No library: JSON messages ended by a zero byte, over descriptors 3 and 4 (Chrome DevTools Protocol,
``--remote-debugging-pipe``). Skips where there is no Chromium.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0  # seconds for any answer; a crowded machine needs many
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    *("--disable-extensions", "--mute-audio", "--remote-debugging-pipe"),
)


@dataclass(slots=True)
class Page:
    """What became of one page. said: errors and warnings of its console, and what was thrown; asked: addresses
    that it wanted to load, itself left out."""

    browser: Browser
    session: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, expression: str) -> Any:
        """The value of an expression, a promise's too."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(expression)):
            assert time.monotonic() < end, expression
            time.sleep(0.05)
        return value

    def press(self, *keys: str) -> None:
        """Keys as the DOM names them (Enter, ArrowDown), or single characters."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def mouse(self, selector: str, *kinds: str) -> None:
        """Real mouse events (mouseMoved, mousePressed, mouseReleased) in the middle of an element."""
        box = self.run(
            f"(() => {{ const r = ({selector}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in kinds:
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def click(self, selector: str) -> None:
        self.mouse(selector, "mouseMoved", "mousePressed", "mouseReleased")

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Another size of the window, and colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        """A PNG of what is seen."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, params, self.session)


class Browser:
    """One process for many pages."""

    def __init__(self, program: str, folder: Path) -> None:
        read_commands, self._write = os.pipe()
        self._read, write_answers = os.pipe()
        # the shell puts the pipes where Chromium wants them; its own session, so that all of it can be ended
        script = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read, selectors.EVENT_READ)
        self._held = b""
        self._number = 0
        self._pages: dict[str, Page] = {}

    def open(self, path: Path, *, size: tuple[int, int] = (1280, 800), dark: bool = False) -> Page:
        """A new page on a file, loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.look(*size, dark=dark)
        page.call("Page.navigate", url=path.as_uri())
        page.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        page.asked = [url for url in page.asked if url != path.as_uri() and not url.startswith("data:")]
        return page

    def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._next(end)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                found: dict[str, Any] = answer["result"]
                return found
            self._note(answer)

    def close(self) -> None:
        with suppress(AssertionError, OSError):
            self.call("Browser.close", {})
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._selector.close()
        os.close(self._read)
        os.close(self._write)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            assert self._selector.select(max(0.0, end - time.monotonic())), "the browser does not answer"
            content = os.read(self._read, 1 << 20)
            assert content, "the browser has ended"
            self._held += content
        line, _, self._held = self._held.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        page = self._pages.get(event.get("sessionId", ""))
        if page is None:
            return
        params, method = event.get("params", {}), event.get("method")
        if method == "Runtime.exceptionThrown":
            page.said.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            page.said.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            page.said.append(str(params["args"]))
        elif method == "Network.requestWillBeSent":
            page.asked.append(params["request"]["url"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A running Chromium; skips the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine: make test-deps installs it")
    found = Browser(program, folder)
    try:
        yield found
    finally:
        found.close()
