"""Whether streams of pokes may stay open."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from closeknit.web import clock

from .keys import SESSION_NAME
from .models import LOCK_MINUTES, Member


def members_for_sessions(session_keys: Iterable[str]) -> dict[str, uuid.UUID]:
    """The members behind those of these sessions that are signed in and unlocked. At most two queries; writes nothing."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    # The store itself says which could be a key at all.
    possible = {key for key in session_keys if store(key).session_key}
    rows = store.get_model_class().objects.filter(session_key__in=possible, expire_date__gt=clock.now())
    sessions = {row.session_key: store().decode(row.session_data) for row in rows}
    wanted = {key: data for key, data in sessions.items() if _holds_secret(data)}
    ids = {str(data.get(SESSION_KEY)) for data in wanted.values()}
    members = {str(one.pk): one for one in Member.objects.filter(pk__in=ids, is_active=True)} if ids else {}
    found = {}
    for key, data in wanted.items():
        member = members.get(str(data.get(SESSION_KEY)))
        if member is not None and _is_awake(data, member):
            found[key] = member.pk
    return found


def _holds_secret(data: dict[str, Any]) -> bool:
    keys = data.get(SESSION_NAME)
    return isinstance(keys, dict) and "secret" in keys and BACKEND_SESSION_KEY in data


def _is_awake(data: dict[str, Any], member: Member) -> bool:
    """Whether the session is this member's since they last changed their passphrase, and was used lately."""
    if not constant_time_compare(data.get(HASH_SESSION_KEY, ""), member.get_session_auth_hash()):
        return False
    now = clock.now().timestamp()
    idle = now - float(data[SESSION_NAME].get("seen", 0))
    held = now < int(data[SESSION_NAME].get("held", 0))
    return not ((idle > min(member.lock_minutes, LOCK_MINUTES[-1]) * 60 and not held) or clock.went_back(idle))
