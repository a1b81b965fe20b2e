"""The one place that knows what time it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

#: For tests of a whole server: how far its clock is ahead, in seconds.
_START = timedelta(seconds=float(os.environ.get("CLOSEKNIT_CLOCK_AHEAD_SECONDS", "0")))
_ahead = _START


def now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC) + _ahead


#: How far a clock may be set back while sessions go on: what time servers correct, and no more.
_STEP_SECONDS = 300


def went_back(since_seconds: float) -> bool:
    """Whether something noted `since_seconds` ago lies in the future, so that no time limit can be worked out from it."""
    return since_seconds < -_STEP_SECONDS


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Let the program believe that it is later (or earlier) by `by`; for tests and for building the demo."""
    global _ahead
    before = _ahead
    _ahead = before + by
    try:
        yield
    finally:
        _ahead = before
