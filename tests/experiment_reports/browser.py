"""Chromium without a window, spoken to in its DevTools protocol over a pipe; it comes to no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
_WITH_PIPES: Final = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the ends of the pipes where Chromium looks for them."""


class Browser:
    """One browser with one page, until the context ends.

    Attributes:
        events: what it has told without being asked, such as requests and what was written on the console.
    """

    def __init__(self, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [str(CHROMIUM), *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(  # noqa: S603 - the command is above
            [sys.executable, "-c", _WITH_PIPES, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._session: dict[str, str] = {}
        self._rest = b""
        self._unread: deque[dict[str, Any]] = deque()
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        (page,) = (each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session = {}
            self.ask("Browser.close")
            self._process.wait(10)
        except (EOFError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._in)
            os.close(self._out)

    def open(self, page: Path) -> None:
        """Load a page, and all that it asks for."""
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(each["method"] == "Page.loadEventFired" for each in self.events):
            self.events.append(self._message())
        self.ask("Runtime.getHeapUsage")  # whatever else there was to tell has been told by the time of its answer

    def run(self, script: str) -> Any:
        """What a script comes to on the page; as if a user had asked for it."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **text)

    @property
    def requests(self) -> list[str]:
        """The URLs that the page has asked for, its own included."""
        sent = (each["params"] for each in self.events if each["method"] == "Network.requestWillBeSent")
        return [each["request"]["url"] for each in sent]

    @property
    def console(self) -> list[dict[str, Any]]:
        """What was written on the console: by scripts, and by the browser about the page."""
        written = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [each["params"] for each in self.events if each["method"] in written]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask, and wait for the answer; what is told meanwhile is kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _message(self) -> dict[str, Any]:
        while not self._unread:
            data = os.read(self._in, 65536)
            if not data:
                raise EOFError("Chromium has ended")
            *whole, self._rest = (self._rest + data).split(b"\0")
            self._unread.extend(map(json.loads, whole))
        return self._unread.popleft()
