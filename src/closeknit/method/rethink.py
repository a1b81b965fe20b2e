"""Seeing a disagreement as somebody would who wishes everyone well: when it is offered. Pure.

Couples who wrote like that for seven minutes, three times in a year, kept the closeness that others lost
(Finkel et al. 2013, doi 10.1177/0956797612474938). More often was not tried, so it is not offered more often.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

MINUTES = 7
#: How far apart, and how many in a year.
APART = timedelta(days=120)
YEAR = timedelta(days=365)
A_YEAR = 3


def offered_from(done: Iterable[date], today: date) -> date:
    """The first day, today or later, on which it is offered again."""
    days = sorted(day for day in done if day <= today)
    if not days:
        return today
    first = days[-1] + APART
    recent = [day for day in days if today - day < YEAR]
    if len(recent) >= A_YEAR:
        first = max(first, recent[-A_YEAR] + YEAR)
    return max(first, today)
