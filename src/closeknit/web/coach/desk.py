"""Where the web asks the reader: one reader a process, loaded when first asked, a short queue, and a time after which the
answer is "not now". Texts pass through memory alone."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Protocol

from django.conf import settings

from closeknit.coach.lines import Asked
from closeknit.coach.reading import Reading

#: How many may wait, how many are read together, and how long a page waits, in seconds.
MOST_WAITING, TOGETHER, PATIENCE = 24, 6, 2.5
#: How long the look at a draft may hold up its saving. Where others wait already there is none.
GLANCE = 0.2
log = logging.getLogger("closeknit.coach")


class Reads(Protocol):
    """What reads: closeknit.coach.reader.Reader."""

    def read_all(self, texts: Sequence[Asked]) -> list[Reading]:
        """A reading of each text."""


class NotNow(Exception):
    """Busy, or not there. `missing`: this machine has no model, and waiting will not help."""

    def __init__(self, *, missing: bool = False) -> None:
        super().__init__("not now")
        self.missing = missing


def _load() -> Reads:
    from closeknit.coach.reader import Reader

    return Reader()


class Desk:
    """Takes texts from many threads, and reads them on one of its own that gives way to the web's."""

    def __init__(self, load: Callable[[], Reads] = _load, most: int = MOST_WAITING) -> None:
        self._load = load
        self._waiting: queue.Queue[tuple[Sequence[Asked], Future[list[Reading]]]] = queue.Queue(maxsize=most)
        self._lock = threading.Lock()
        self._started = self._loaded = self._missing = False

    def read(self, texts: Sequence[Asked], seconds: float = PATIENCE) -> list[Reading]:
        """A reading of each text. Raises NotNow if there is no room, no model, or no answer within `seconds`."""
        if self._missing or not settings.CONFIG.coach:
            raise NotNow(missing=True)
        if seconds <= 0:
            raise NotNow
        self._start()
        answer: Future[list[Reading]] = Future()
        try:
            self._waiting.put_nowait((texts, answer))
        except queue.Full:
            raise NotNow from None
        try:
            return answer.result(timeout=seconds)
        except TooLate:
            answer.cancel()
            raise NotNow from None

    def glance(self, text: str) -> Reading | None:
        """A reading of one text if there is nothing else to do, and it comes within GLANCE; else nothing. The first may
        take longer, since it loads the reader: what is looked at first must not be what is overlooked."""
        if not self._waiting.empty():
            return None
        try:
            return self.read([(text, None)], GLANCE if self._loaded else PATIENCE)[0]
        except NotNow:
            return None

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, name="coach", daemon=True).start()

    def _work(self) -> None:
        if sys.platform == "linux":
            # There a thread has a priority of its own: pages come before readings.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        reader = None
        while True:
            jobs = [self._waiting.get()]
            while len(jobs) < TOGETHER:
                try:
                    jobs.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            # Whoever gave up waiting is not read for.
            jobs = [job for job in jobs if job[1].set_running_or_notify_cancel()]
            try:
                reader = reader or self._load()
                self._loaded = True
                found = reader.read_all([text for texts, _answer in jobs for text in texts]) if jobs else []
            except Exception as error:  # a broken model must not end the thread that answers for it
                self._missing = reader is None
                # The kind alone: a message could hold words.
                log.error("the coach could not read: %s", type(error).__name__)
                for _texts, answer in jobs:
                    answer.set_exception(NotNow(missing=self._missing))
                continue
            at = 0
            for texts, answer in jobs:
                answer.set_result(found[at : at + len(texts)])
                at += len(texts)


desk = Desk()
