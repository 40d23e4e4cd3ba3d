# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium that tests look at pages with, driven through a pipe by its DevTools protocol: JSON texts, each with a zero byte."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time
import typing as t

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
_ANSWER_SECONDS = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Chromium reads from 3 and writes to 4, which may be anything here.
_AT_THREE_AND_FOUR = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class PageFailed(Exception):
    """The browser refused something, or a script on the page threw."""


@contextlib.contextmanager
def opened(page: pathlib.Path, folder: pathlib.Path, *, dark: bool = False, size: tuple[int, int] = (1280, 900)) -> t.Iterator[Page]:
    """The page as somebody with that screen sees it. C(folder) is empty and the browser's own."""
    to_browser, from_us = os.pipe()
    from_browser, to_us = os.pipe()
    profile = folder / "profile"
    command = [str(PROGRAM), *_FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "about:blank"]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _AT_THREE_AND_FOUR, str(to_browser), str(to_us), *command],
            pass_fds=(to_browser, to_us),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
    os.close(to_browser)
    os.close(to_us)
    try:
        shown = Page(from_us, from_browser)
        shown.open(page, dark=dark)
        yield shown
        shown.close()
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        os.close(from_us)
        os.close(from_browser)


class Page:
    """One page. C(requests) are the addresses that it has asked for, C(complaints) what the browser has said of it."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False

    def open(self, page: pathlib.Path, *, dark: bool) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.go(page)

    def go(self, page: pathlib.Path) -> None:
        """To another page, until it is loaded."""
        self._loaded = False
        self.call("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._take()

    def close(self) -> None:
        self._session = None
        self.call("Browser.close")

    def run(self, script: str) -> t.Any:
        """The value of an expression, or of the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageFailed(f"{script[:200]}: {json.dumps(answer['exceptionDetails'])[:2000]}")
        return answer["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """A key of the keyboard: Tab, Enter, Space."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " ")}[key]
        about = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self, path: pathlib.Path, *, whole: bool = False) -> pathlib.Path:
        """A PNG of what is seen, or of all of the page."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **({"clip": self._whole()} if whole else {}))
        path.write_bytes(base64.b64decode(answer["data"]))
        return path

    def call(self, method: str, **parameters: t.Any) -> dict[str, t.Any]:
        self._number += 1
        message: dict[str, t.Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._take()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise PageFailed(f"{method}: {answer['error']}")
                return t.cast("dict[str, t.Any]", answer["result"])

    def _whole(self) -> dict[str, t.Any]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _take(self) -> dict[str, t.Any]:
        """The next message; what concerns the page is noted."""
        end = time.monotonic() + _ANSWER_SECONDS
        while b"\0" not in self._rest:
            ready, _write, _error = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._read, 1 << 20) if ready else b""
            if not data:
                raise PageFailed("The browser has ended." if ready else "The browser does not answer.")
            self._rest += data
        text, _zero, self._rest = self._rest.partition(b"\0")
        message: dict[str, t.Any] = json.loads(text)
        method, about = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(about["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"]))
        elif method == "Page.loadEventFired":
            self._loaded = True
        return message
