"""The shell: /live/ and /healthz are answered here; everything else is read whole, then handed to Django in a thread."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closeknit.web.settings")

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from closeknit.web import live
from closeknit.web.health import Health

DRAIN_BYTES = 16 * 1024 * 1024
#: An answer of which nothing was fetched for so long goes to nobody; its thread is needed by others.
SEND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How large a body may be, how long it may take, how many may be under way in this process at once."""

    size: int
    seconds: float
    at_once: int
    #: What to do about one that is larger.
    says: bytes = b"That is more than fits here. Go back: what you typed is still in the page. Shorten it."


BODIES = Limit(size=1024 * 1024, seconds=15.0, at_once=200)
#: A copy that somebody brings. It is held in memory, never in a file, so one at a time; the form's own parts come on top.
COPIES = Limit(
    size=64 * 1024 * 1024 + 64 * 1024,
    seconds=180.0,
    at_once=1,
    says=b"This file is larger than 64 MB. Unpack it and pack it again without the folders pages and markdown.",
)
COPIES_PATH = "/you/import/"
#: A picture for the journal; the form's own parts come on top.
PICTURES = Limit(
    size=12 * 1024 * 1024 + 64 * 1024,
    seconds=60.0,
    at_once=2,
    says=b"This picture is larger than 12 MB. Go back and choose a smaller copy of it.",
)
PICTURES_PATH = "/reflect/pictures/"
#: What is sent to these takes long: a passphrase is worked on for a good part of a second, a copy is made for minutes.
#: It has threads of its own, so that nobody's page waits behind it.
SLOW_PATHS = ("/sign-", "/unlock/", "/recover/", "/confirm/", "/kit/", "/you/", PICTURES_PATH)
SLOW_THREADS = 6
#: What asks the coach: the rehearsals, and its button wherever in a bond it stands. One at a time, and after each a rest, in
#: seconds, for the pages of everyone else: all of them share one interpreter. Some fifteen presses a second are answered so.
COACH_PATHS, COACH_ENDS, COACH_REST = ("/rehearse/",), ("/land/",), 0.03
ARRIVED = b"x-arrived"

_PLAIN = (
    b"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Error: %s</title>"
    b"<h1>%s</h1><p>%s</p>"
)


class BodyError(Exception):
    """A body that is too large or does not come."""

    def __init__(self, status: int, title: bytes, says: bytes) -> None:
        super().__init__(title)
        self.status, self.page = status, _PLAIN % (title, title, says)


def _too_large(limit: Limit) -> BodyError:
    return BodyError(413, b"Too large", limit.says)


_TOO_SLOW = (408, b"Too slow", b"The line was too slow to carry it. Go back and try again; nothing was stored.")


async def _read_body(scope: dict[str, Any], receive: Any, limit: Limit) -> deque[bytes]:
    """The whole body, in the pieces in which it came. One that is too large is read on and thrown away for a while,
    since a browser that is cut off in the middle of sending shows its own error instead of ours. Raises BodyError."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    most = max(DRAIN_BYTES, 4 * limit.size)
    if length.isdigit() and int(length) > most:
        raise _too_large(limit)
    chunks: deque[bytes] = deque()
    size = 0
    try:
        async with asyncio.timeout(limit.seconds):
            while size <= most:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyError(*_TOO_SLOW)
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit.size:
                    chunks.clear()
                else:
                    chunks.append(chunk)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise BodyError(*_TOO_SLOW) from None
    if size > limit.size:
        raise _too_large(limit)
    return chunks


def _patient(send: Any) -> Any:
    """`send`, for whom a reader that stalls is a reader that left: the rest of the answer is made and thrown away."""
    gone = False

    async def sends(message: dict[str, Any]) -> None:
        nonlocal gone
        if gone:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)
        except TimeoutError:
            gone = True

    return sends


async def _answer(send: Any, error: BodyError) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": error.page})


class Shell:
    """The ASGI application of one web process."""

    def __init__(self) -> None:
        pages = get_wsgi_application()
        self._pages = WSGIMiddleware(pages, workers=settings.CONFIG.threads)
        self._slow = WSGIMiddleware(pages, workers=SLOW_THREADS)
        self._coach = WSGIMiddleware(pages, workers=1)
        self._asking = asyncio.Semaphore(1)
        self._reading = asyncio.Semaphore(BODIES.at_once)
        self._copies = asyncio.Semaphore(COPIES.at_once)
        self._pictures = asyncio.Semaphore(PICTURES.at_once)
        self._listener: asyncio.Task[None] | None = None
        self._health = Health()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/live/":
            await live.stream(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/healthz":
            await self._health(scope, receive, send)
        elif scope["type"] == "http":
            await self._page(scope, receive, send)

    async def _page(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == COPIES_PATH and scope["method"] == "POST":
            # Held until it is answered: so long does the body lie in memory.
            async with self._copies:
                await self._read_and_answer(scope, receive, send, COPIES)
        elif scope["path"].startswith(PICTURES_PATH) and scope["method"] == "POST":
            async with self._pictures:
                await self._read_and_answer(scope, receive, send, PICTURES)
        else:
            await self._read_and_answer(scope, receive, send, BODIES)

    async def _read_and_answer(self, scope: dict[str, Any], receive: Any, send: Any, limit: Limit) -> None:
        try:
            async with self._reading:
                body = await _read_body(scope, receive, limit)
        except BodyError as error:
            await _answer(send, error)
            return
        # a2wsgi asks for the length; a chunked body has none until it is read. Since when somebody waits, the pages for which
        # it matters are told in a header, which nobody else may write.
        headers = [(k, v) for k, v in scope["headers"] if k not in {b"content-length", b"transfer-encoding", ARRIVED}]
        headers.append((b"content-length", str(sum(map(len, body))).encode()))
        headers.append((ARRIVED, str(time.monotonic()).encode()))

        async def whole() -> dict[str, Any]:
            if not body:
                message: dict[str, Any] = await receive()
                return message
            chunk = body.popleft()
            return {"type": "http.request", "body": chunk, "more_body": bool(body)}

        path = scope["path"] if scope["method"] == "POST" else ""
        if path.startswith(COACH_PATHS) or path.endswith(COACH_ENDS):
            async with self._asking:
                await self._coach({**scope, "headers": headers}, whole, _patient(send))  # type: ignore[arg-type]
                await asyncio.sleep(COACH_REST)
            return
        threads = self._slow if path.startswith(SLOW_PATHS) else self._pages
        await threads({**scope, "headers": headers}, whole, _patient(send))  # type: ignore[arg-type]

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                live.hub.loop = asyncio.get_running_loop()
                # What is here now stays to the end. A collector that looks through all of it again and again stops every
                # page and poke meanwhile, a fifth of a second on a small machine.
                gc.collect()
                gc.freeze()
                if settings.CONFIG.redis_url:
                    self._listener = asyncio.create_task(live.listen(settings.CONFIG.redis_url))
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                live.hub.stop()
                if self._listener is not None:
                    self._listener.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Shell()
