"""When the database is away, full or locked: who notices, and what goes on without it.

Django turns an exception into an answer at every layer of middleware, so no layer outside could catch it; the error
pages ask here instead whether the database was the cause (see errors.py).
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

#: Pages that someone may need most when nothing else works: they are shown, as to a visitor, without any database.
ALWAYS = ("/care/", "/leave/")
_FULL = ("database or disk is full", "no space left", "diskfull")


def database_error(error: BaseException | None) -> BaseException | None:
    """The failure of the database that led to this error, or None if it has another cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, (OperationalError, InterfaceError)):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def is_full(error: BaseException) -> bool:
    """Whether there was no room left on the disk: SQLite says so in words, PostgreSQL by the error's class."""
    names = f"{error} {type(error.__cause__).__name__}".lower()
    return any(word in names for word in _FULL)


class SessionMiddleware(DjangoSessionMiddleware):
    """Sessions that never stand between a reader and a page.

    A GET that could be read is shown even if noting that someone was here could not be stored; the note is made again
    with the next request. A POST whose session cannot be stored is an error, as ever.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if getattr(request, "without_database", False):
            return response
        try:
            return super().process_response(request, response)  # type: ignore[arg-type]
        except Exception as error:
            if request.method in {"GET", "HEAD"} and database_error(error) is not None:
                return response
            raise
