"""Jobs. They have no keys: envelopes are opaque to them."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings
from huey import SqliteHuey, crontab

from closeknit.web.sealed import journal

log = logging.getLogger("closeknit.jobs")

if settings.CONFIG.redis_url:
    from huey import RedisHuey

    huey: Any = RedisHuey("closeknit", url=settings.CONFIG.redis_url)
else:
    # Its own file, so that the queue never waits for the members' database, nor they for it.
    huey = SqliteHuey("closeknit", filename=str(settings.CONFIG.data / "jobs.sqlite3"), fsync=False)


def checkpoint_soon() -> None:
    """After something was taken back: have it overwritten on the disk, off the request's path."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        threading.Thread(target=checkpoint, daemon=True).start()


def checkpoint() -> bool:
    """Fold the write-ahead log into the database, so that deleted rows lie in neither. Returns whether it went through.

    On a connection of its own with a short timeout: beside a long reader it gives up, and the worker tries again each
    minute, rather than holding up everybody's writes.
    """
    import sqlite3

    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return True
    connection = sqlite3.connect(str(settings.DATABASES["default"]["NAME"]), timeout=0.2)
    try:
        busy, _pages, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


@huey.periodic_task(crontab(minute="*"))
def each_minute() -> None:
    """Finish what is gone: its note in the journal's file, and its bytes, in case a reader was in the way."""
    journal.settle()
    checkpoint()


@huey.periodic_task(crontab(minute="17"))
def each_hour() -> None:
    """End what has run out: invitations and sessions. Ids and counts only."""
    tidy()


def tidy() -> int:
    """End invitations and sessions that have run out, and accounts whose seven days are over. Returns how many ended."""
    from django.core.management import call_command

    from closeknit.web.bonds.erasing import erase_due
    from closeknit.web.bonds.services import invitations_expire
    from closeknit.web.members.models import OwnSession

    ended = invitations_expire() + erase_due()
    call_command("clearsessions")
    from django.contrib.sessions.models import Session

    OwnSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    log.info("tidied invitations=%d", ended)
    return ended
