"""GET /healthz: whether this process can serve, for proxies, containers and the doctor. One code word, nothing else.

Answered by the shell, before Django, for any Host: a container asks on 127.0.0.1 and a proxy by a name of its own. The
Host check defends links made from it and members' pages; here is neither, only a word, and no cookie is read or set.
"""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

SECONDS = 2.0


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Every step of the tables that this program knows, from its own files."""
    from django.db.migrations.loader import MigrationLoader

    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def schema_gap(connection: Any) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The steps that the database still lacks, and those that only a newer program can have made."""
    from django.db.migrations.recorder import MigrationRecorder

    known, applied = known_migrations(), set(MigrationRecorder(connection).applied_migrations())
    labels = {label for label, _name in known}
    return set(known - applied), {step for step in applied - known if step[0] in labels}


def look() -> str:
    """`ok`, or the code word for what is wrong. Runs in a thread of its own, on its own connection."""
    from django.db import Error, connection

    # SQLite would make an empty file where there is none.
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return "database-away"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        behind, ahead = schema_gap(connection)
    except Error:
        return "database-away"
    finally:
        connection.close()
    return "tables-ahead" if ahead else "tables-behind" if behind else "ok"


class Health:
    """The ASGI application. However many ask at once, one looks: asking cannot be used to wear the database out."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[str] | None = None

    async def _word(self) -> str:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(look))
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), SECONDS)
        except TimeoutError:
            return "database-slow"

    async def __call__(self, scope: dict[str, Any], _receive: Any, send: Any) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            word = await self._word()
            status = 200 if word == "ok" else 503
        else:
            word, status = "method-not-allowed", 405
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(word)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"x-robots-tag", b"noindex, nofollow"),
        ]
        if status == 405:
            headers.append((b"allow", b"GET, HEAD"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else word.encode()})
