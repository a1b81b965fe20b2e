"""Slowing down guessing, without letting a stranger lock a member out.

A growing delay for each (scope, account, address), counted in the database so that all processes agree. A device that
signed in before, known by its cookie, is never delayed. Codes of six digits are counted for the account alone, from
everywhere: whoever gets as far as guessing them has the passphrase.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from closeknit.web import clock

from .models import Limit

FREE_TRIES = 4
LONGEST = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)


class TooManyTries(Exception):
    """Another try is welcome after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many tries")
        self.wait = wait

    @property
    def seconds(self) -> int:
        return max(1, round(self.wait.total_seconds()))


def _key(scope: str, account: str, address: str) -> str:
    message = "\0".join((scope, account.casefold(), address)).encode("utf-8", "surrogatepass")
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def address_of(request: HttpRequest) -> str:
    """The visitor's address, used in memory alone. The shell has already resolved trusted proxies."""
    return str(request.META.get("REMOTE_ADDR", ""))


def ensure_allowed(scope: str, account: str, request: HttpRequest, *, everywhere: bool = False) -> None:
    """Raises TooManyTries while this account is to be left alone from this address, or from everywhere."""
    now = clock.now()
    limit = Limit.objects.filter(pk=_key(scope, account, "" if everywhere else address_of(request))).first()
    # A delay longer than the longest there is was set by a clock that has gone back since.
    if limit is not None and now < limit.until <= now + LONGEST and now - limit.first_at < FORGET_AFTER:
        raise TooManyTries(limit.until - now)


def note_failure(
    scope: str, account: str, request: HttpRequest, *, free: int = FREE_TRIES, everywhere: bool = False
) -> None:
    """Count one failed (or merely costly) try; after `free` of them each further one doubles the delay."""
    now = clock.now()
    with transaction.atomic():
        limit, _made = Limit.objects.select_for_update().get_or_create(
            pk=_key(scope, account, "" if everywhere else address_of(request)),
            defaults={"first_at": now, "until": now}
        )
        if not timedelta(0) <= now - limit.first_at < FORGET_AFTER:
            limit.tries, limit.first_at = 0, now
        limit.tries += 1
        over = limit.tries - free
        if over >= 0:
            limit.until = now + min(LONGEST, timedelta(seconds=2 ** min(over + 1, 12)))
        limit.save()


def forget(scope: str, account: str, request: HttpRequest, *, everywhere: bool = False) -> None:
    """A success clears the slate for this account and address."""
    Limit.objects.filter(pk=_key(scope, account, "" if everywhere else address_of(request))).delete()
