"""Whether a stream of pokes may stay open."""

from __future__ import annotations

import uuid
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from closeknit.web import clock

from .keys import SESSION_NAME
from .models import LOCK_MINUTES, Member


def member_for_session(session_key: str) -> uuid.UUID | None:
    """The member behind a signed-in, unlocked session, or None. Reads one or two rows; writes nothing."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    data = store.load()
    keys = data.get(SESSION_NAME)
    if not isinstance(keys, dict) or "secret" not in keys or BACKEND_SESSION_KEY not in data:
        return None
    member = Member.objects.filter(pk=data.get(SESSION_KEY), is_active=True).first()
    if member is None or not constant_time_compare(data.get(HASH_SESSION_KEY, ""), member.get_session_auth_hash()):
        return None
    idle = clock.now().timestamp() - float(keys.get("seen", 0))
    if idle > min(member.lock_minutes, LOCK_MINUTES[-1]) * 60 or clock.went_back(idle):
        return None
    return member.pk
