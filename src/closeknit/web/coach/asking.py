"""From a member's text to what is shown under it. Nothing of it is stored."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from closeknit.coach.labels import Label, Risk
from closeknit.coach.reading import Reading, Silence
from closeknit.coach.tips import Situation, Tip, feedback
from closeknit.web import content

from . import desk as desks
from .desk import NotNow
from .wishes import Wishes

#: Of what is answered, no more than this is looked at, in characters.
MOST_ABOUT = 4_000


@dataclass(frozen=True, slots=True)
class Landing:
    """What is shown: tips, what was read, signs of danger; or why there is nothing."""

    tips: tuple[Tip, ...] = ()
    labels: tuple[Label, ...] = ()
    risks: tuple[Risk, ...] = ()
    silence: Silence | None = None
    not_now: bool = False
    missing: bool = False

    @property
    def ids(self) -> str:
        """The tips' ids, for the next press on the same page."""
        return ",".join(tip.id for tip in self.tips)


def given_before(raw: str) -> Counter[str]:
    """How often each tip was given on this page, out of what the page says."""
    return Counter(one for one in raw[:2000].split(",") if one)


def seconds_left(arrived: str) -> float:
    """How long somebody may still wait who waits since `arrived` (of time.monotonic, as web/asgi.py notes it); all the time
    there is where nothing noted it."""
    try:
        return desks.PATIENCE - (time.monotonic() - float(arrived))
    except ValueError:
        return desks.PATIENCE


def land(
    text: str, about: str, situation: Situation, wishes: Wishes, given: Counter[str], seconds: float = desks.PATIENCE
) -> Landing:
    """How a text might land. about: what it answers, or empty."""
    about = about[:MOST_ABOUT].strip()
    asked: list[tuple[str, str | None]] = [(text, about or None)]
    if about:
        asked.append((about, None))
    try:
        found = desks.desk.read(asked, seconds)
    except NotNow as error:
        return Landing(not_now=not error.missing, missing=error.missing)
    return landed(text, found[0], found[1] if about else None, situation, wishes, given)


def landed(
    text: str, reading: Reading, heard: Reading | None, situation: Situation, wishes: Wishes, given: Counter[str]
) -> Landing:
    """The same, of a text that was read already."""
    tips = feedback(reading, situation, content.tips(), text, about=heard, given=given, off=wishes.off)
    risks = reading.risks if wishes.may_help else ()
    return Landing(tuple(tips), reading.labels, risks, reading.silence)


def needs_care(text: str, wishes: Wishes) -> bool:
    """Whether a draft that is being saved shows clear signs of danger. Never raises; a busy coach did not look."""
    if not wishes.may_help or len(text.split()) < 3:
        return False
    found = desks.desk.glance(text)
    return found is not None and bool(found.risks)

