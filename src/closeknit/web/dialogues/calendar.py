"""A time for a talk as a calendar file: a start, an end and three plain words. Nothing in it says what it is about."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from closeknit.web import clock


def calendar_file(dialogue_id: uuid.UUID, when: str, minutes: int) -> bytes:
    """when: ISO, aware. minutes: how long it may take."""
    start = datetime.fromisoformat(when)
    calendar = Calendar()
    calendar.add("prodid", "-//Notes//EN")
    calendar.add("version", "2.0")
    event = Event()
    event.add("uid", f"{dialogue_id}@notes")
    event.add("dtstamp", clock.now())
    event.add("dtstart", start)
    event.add("dtend", start + timedelta(minutes=minutes))
    event.add("summary", _("Time together"))
    calendar.add_component(event)
    return calendar.to_ical()
