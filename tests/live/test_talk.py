"""A talk between real server processes: every act shows on the other's page within a second, whichever process it took."""

from __future__ import annotations

import re
import time

import pytest

from tests.http import Browser
from tests.live.stream import Stream

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _told(line: str) -> int | None:
    """The version that a poke speaks of, if it is about a talk."""
    poke = re.fullmatch(r"dialogue:\S+ v(\d+)", line)
    return int(poke.group(1)) if poke else None


class Side:
    """One of the two: their browser, their open stream, and what their page showed last."""

    def __init__(self, browser: Browser, path: str) -> None:
        self.browser, self.path = browser, path
        self.stream = Stream(browser)
        self.stream.wait("hello")
        self.look()

    def look(self) -> str:
        status, _headers, self.page = self.browser.ask("GET", self.path, **{"X-Poke": "1"})
        assert status == 200
        self.version = int(re.search(r'data-version="(\d+)"', self.page).group(1))
        return self.page

    def act(self, number: int) -> bool:
        """Do what leads on, if anything does."""
        step = re.search(r'name="step" value="(\d+)"', self.page)
        if 'id="write"' in self.page:
            fields = {"verb": "said", "how": "typed", "text": f"words number {number}"}
        elif 'value="done"' in self.page:
            fields = {"verb": "done"}
        elif 'value="responded"' in self.page:
            fields = {"verb": "responded", "choice": "thanks"}
        elif 'name="option"' in self.page:
            fields = {"verb": "chose", "option": re.search(r'name="option" value="([^"]+)"', self.page).group(1)}
        else:
            return False
        status, where = self.browser.form(self.path + "do/", self.path, step=step.group(1), **fields)
        assert status == 302, where
        return True

    def hears(self, after: int) -> float:
        """Wait until a poke has brought the page past this version; how long it took."""
        started = time.monotonic()
        self.stream.wait(lambda line: (told := _told(line)) is not None and told > after, seconds=5)
        self.look()
        assert self.version > after
        return time.monotonic() - started


def test_every_act_crosses_within_a_second(pair):
    ana, jonas, _moment, today = pair
    _status, _headers, shelf = ana.ask("GET", today + "talk/")
    start = re.search(r'href="([^"]+)" class="serif shelf-title">Good news', shelf).group(1)
    _status, where = ana.form(start, start, device="each")
    path = re.search(r"/b/[0-9a-f-]+/d/[0-9a-f-]+/", where).group(0)
    assert jonas.form(path + "accept/", path)[0] == 302
    for one in (ana, jonas):
        assert one.form(path + "ready/", path)[0] == 302
    sides = Side(ana, path), Side(jonas, path)
    delays, acts = [], 0
    while 'data-face="over"' not in sides[0].page:
        who = next(index for index in (0, 1) if sides[index].act(acts))
        delays.append(sides[1 - who].hears(sides[who].version))
        sides[who].look()
        acts += 1
        assert acts < 40
    assert acts > 6 and sorted(delays)[len(delays) // 2] < 1.0
    for side in sides:
        assert all(
            re.fullmatch(r"hello|resync v\d+|(dialogue|bond):[0-9a-f-]{36} v\d+", one) for one in side.stream.lines
        )
        side.stream.close()
