"""A page's open line, as a browser holds it."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import ClassVar

from tests.http import Browser


class Stream:
    """An open /live/ in a thread; lines as they come."""

    opened: ClassVar[list[Stream]] = []

    def __init__(self, browser: Browser) -> None:
        self.lines: list[str] = []
        self.connection = http.client.HTTPConnection("127.0.0.1", browser.server.port, timeout=30)
        cookie = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
        self.connection.request("GET", "/live/", headers={"Cookie": cookie})
        self.answer = self.connection.getresponse()
        self.status, self.ended = self.answer.status, False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.opened.append(self)

    def _read(self) -> None:
        try:
            for line in self.answer:
                text = line.decode().strip()
                if text.startswith("data: "):
                    self.lines.append(text[6:])
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.ended = True

    def wait(self, wanted: str | Callable[[str], object], seconds: float = 8.0) -> str:
        """The first line that matches, or for which the call says yes."""
        fits = wanted if callable(wanted) else re.compile(wanted).search
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in self.lines:
                if fits(line):
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no {wanted} in {self.lines}")

    def close(self) -> None:
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass
        self.reader.join(5)
        self.answer.close()
        self.connection.close()
