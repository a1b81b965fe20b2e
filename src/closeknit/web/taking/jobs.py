"""What the worker does for this room. It has no keys."""

from __future__ import annotations

from huey import crontab

from closeknit.web.tasks import huey

from .services import arrivals_sweep


@huey.periodic_task(crontab(minute="27"))
def each_hour() -> None:
    """Forget what waited too long for a yes."""
    arrivals_sweep()
