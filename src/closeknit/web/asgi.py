"""The shell: /live/ and /healthz are answered here; everything else is read whole, then handed to Django in a thread."""

from __future__ import annotations

import asyncio
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closeknit.web.settings")

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from closeknit.web import live
from closeknit.web.health import Health

BODY_BYTES = 1024 * 1024
DRAIN_BYTES = 16 * 1024 * 1024
BODY_SECONDS = 15.0
#: Bodies that may be under way at once; each is at most a megabyte.
BODIES = 200

_PLAIN = (
    b"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Error: %s</title>"
    b"<h1>%s</h1><p>%s</p>"
)


class BodyError(Exception):
    """A body that is too large or does not come."""

    def __init__(self, status: int, title: bytes, says: bytes) -> None:
        super().__init__(title)
        self.status, self.page = status, _PLAIN % (title, title, says)


_TOO_LARGE = (
    413,
    b"Too large",
    b"That is more than fits here. Go back: what you typed is still in the page. Shorten it.",
)
_TOO_SLOW = (408, b"Too slow", b"The line was too slow to carry it. Go back and try again; nothing was stored.")


async def _read_body(scope: dict[str, Any], receive: Any) -> bytes:
    """The whole body. One that is too large is read on and thrown away for a while, since a browser that is cut off
    in the middle of sending shows its own error instead of ours. Raises BodyError."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > DRAIN_BYTES:
        raise BodyError(*_TOO_LARGE)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while size <= DRAIN_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyError(*_TOO_SLOW)
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > BODY_BYTES:
                    chunks.clear()
                else:
                    chunks.append(chunk)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise BodyError(*_TOO_SLOW) from None
    if size > BODY_BYTES:
        raise BodyError(*_TOO_LARGE)
    return b"".join(chunks)


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
        self._pages = WSGIMiddleware(get_wsgi_application(), workers=settings.CONFIG.threads)
        self._reading = asyncio.Semaphore(BODIES)
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
        try:
            async with self._reading:
                body = await _read_body(scope, receive)
        except BodyError as error:
            await _answer(send, error)
            return
        # a2wsgi asks for the length; a chunked body has none until it is read.
        headers = [(k, v) for k, v in scope["headers"] if k not in {b"content-length", b"transfer-encoding"}]
        headers.append((b"content-length", str(len(body)).encode()))
        served = False

        async def whole() -> dict[str, Any]:
            nonlocal served
            if served:
                message: dict[str, Any] = await receive()
                return message
            served = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._pages({**scope, "headers": headers}, whole, send)  # type: ignore[arg-type]

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                live.hub.loop = asyncio.get_running_loop()
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
