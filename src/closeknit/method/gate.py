"""The private check before a joint exercise, and what hides its outcome. Pure: days, seconds and chance are arguments.

Only a day is ever kept, `open_after`, sealed to its owner: from that day on, for thirty days, they may take part without
being asked again. It looks the same whatever was answered: after a *no* it lies more than thirty days back, as it does
for somebody who was never asked, or whose thirty days ran out. No answer is kept anywhere.

What others see of a closed check must also have ordinary causes, at the same pace. So an exercise with a check never
opens at once after another one, nor at a foreseeable second in a bond's first week: `opens_at` says when. Until then, and
as long as somebody has not said yes, everyone reads the same sentence.
Source: docs/method/dialogues.md, "The check"; docs/decisions/0010.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

#: How long a passed check holds.
HOLDS_DAYS = 30
#: A passed check is dated back by up to so many days, a closed one by up to so many beyond the thirty.
PASSED_SPREAD_DAYS = 4
CLOSED_SPREAD_DAYS = 300
#: After an exercise with a check, the next one opens only after so long.
COOL_DOWN_SECONDS = 3 * 3600
FIRST_WEEK_SECONDS = 7 * 86400
#: In a bond's first week it opens after a delay between these.
FIRST_WEEK_DELAY_SECONDS = (120, 1200)


class Answer(StrEnum):
    """What can be answered to a question of the check."""

    NO = "no"
    SOMETIMES = "sometimes"
    YES = "yes"
    RATHER_NOT = "rather-not"


class Question(StrEnum):
    """The four questions."""

    AFRAID = "afraid"
    HURT = "hurt"
    FREE = "free"
    SHOWN = "shown"


def passes(answers: Mapping[Question, Answer]) -> bool:
    """Whether the exercise may start for this member.

    Closed unless both AFRAID and HURT are a plain no, and FREE a plain yes. SHOWN never closes it.
    """
    return (
        answers.get(Question.AFRAID) is Answer.NO
        and answers.get(Question.HURT) is Answer.NO
        and answers.get(Question.FREE) is Answer.YES
    )


def open_after(today: date, *, passed: bool, chance: float) -> date:
    """The day to keep. chance: at least 0.0, below 1.0, drawn anew each time. The same for never asked and for closed."""
    if passed:
        return today - timedelta(days=int(chance * (PASSED_SPREAD_DAYS + 1)))
    return today - timedelta(days=HOLDS_DAYS + 1 + int(chance * CLOSED_SPREAD_DAYS))


def is_open(day: date | None, today: date) -> bool:
    """Whether this member need not be asked now."""
    return day is not None and day <= today < day + timedelta(days=HOLDS_DAYS)


def opens_at(now: int, *, bond_age_seconds: int, last_over_at: int | None, chance: float) -> int:
    """The second from which an exercise with a check may begin, if everyone has said yes.

    now, last_over_at: seconds since 1970; last_over_at: when the bond's last exercise with a check ended, if any did.
    """
    earliest = now
    if last_over_at is not None:
        earliest = max(earliest, last_over_at + COOL_DOWN_SECONDS)
    if bond_age_seconds < FIRST_WEEK_SECONDS:
        shortest, longest = FIRST_WEEK_DELAY_SECONDS
        earliest = max(earliest, now + shortest + int(chance * (longest - shortest)))
    return earliest


class Heat(StrEnum):
    """What to suggest to somebody who says how worked up they are."""

    GO = "go"
    CALM_FIRST = "calm-first"
    COUNSELLOR = "counsellor"


#: From here on calming or another day is offered; the same for everyone (our choice).
HOT = 7
#: How hot a subject may be in the first three loops, the next three, and later (our choice).
HEAT_BY_USE = ((3, 3), (6, 5))
HEAT_LATER = 7


def heat_advice(heat: int, *, loops_before: int, loops: bool) -> Heat:
    """What to suggest for 0 (calm) to 10. loops: whether the script has an understood loop; loops_before: how many of
    those the bond has ended. A suggestion only: nothing is refused by it."""
    if not 0 <= heat <= 10:
        raise ValueError("heat goes from 0 to 10")
    if heat >= HOT:
        return Heat.COUNSELLOR if heat > HOT and loops_before >= HEAT_BY_USE[-1][0] else Heat.CALM_FIRST
    if loops:
        most = next((most for below, most in HEAT_BY_USE if loops_before < below), HEAT_LATER)
        if heat > most:
            return Heat.CALM_FIRST
    return Heat.GO
