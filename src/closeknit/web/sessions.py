"""Django's sessions in the database, which look up only keys that could be one."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    """A cookie may bring anything, NUL among it, which PostgreSQL refuses with an error instead of finding nothing."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key) and key.isascii() and key.isalnum() and 8 <= len(key) <= 40
