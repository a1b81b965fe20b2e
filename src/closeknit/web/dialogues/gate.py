"""The private check of one member in one bond: the day that is kept, and nothing else. The rule is `method.gate`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date

from django.db import transaction

from closeknit import vault
from closeknit.method import gate as rule
from closeknit.method.gate import Answer, Heat, Question, heat_advice, opens_at
from closeknit.method.scripts import Act, Script
from closeknit.web import clock
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.opened import OpenBond

_random = secrets.SystemRandom()


def has_loop(script: Script) -> bool:
    """Whether a script has an understood loop."""
    return any(stage.act is Act.LOOP for part in script.parts for stage in part.stages)


def is_due(opened: OpenBond) -> bool:
    """Whether I am to go through the check before an exercise that has one."""
    kept = (opened.loaded(vault.Place.MEMBERSHIP_OPEN_AFTER, opened.me.id) or {}).get("after", "")
    return not rule.is_open(date.fromisoformat(kept) if kept else None, clock.now().date())


def work_out(opened: OpenBond, answers: Mapping[Question, Answer]) -> bool:
    """Whether the exercise may start. The answers are forgotten here; the same row is written either way."""
    passed = rule.passes(answers)
    write(opened, passed=passed)
    return passed


def write(opened: OpenBond, *, passed: bool) -> None:
    """Keep a day that says as little as possible."""
    day = rule.open_after(clock.now().date(), passed=passed, chance=_random.random())
    with transaction.atomic():
        bonds.row_write(opened, vault.Place.MEMBERSHIP_OPEN_AFTER, {"after": day.isoformat()}, member=opened.me.id)


__all__ = ["Answer", "Heat", "Question", "has_loop", "heat_advice", "is_due", "opens_at", "work_out", "write"]
