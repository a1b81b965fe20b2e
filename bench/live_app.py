"""Closeknit's own application with a bench-only path that pokes. For the measurement alone; the product has no such path.

    /bench/poke?<member>&v<nanoseconds>    publish in this process, as a view does after its commit
    /bench/open                            how many streams this process holds

`python -m bench.live_app` serves it as `closeknit serve` does; other servers import `application`.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from closeknit.web import live
from closeknit.web.asgi import Shell


class BenchShell(Shell):
    """The shell, and two paths for the measurement."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if live.hub.loop is None and scope["type"] == "http":
            # daphne knows no lifespan.
            live.hub.loop = asyncio.get_running_loop()
        if scope.get("path", "").startswith("/bench/"):
            await self._bench(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _bench(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        if scope["path"] == "/bench/poke":
            member, version = scope["query_string"].decode("ascii").split("&")
            live.poke([uuid.UUID(member)], "bench", int(version[1:]))
        else:
            body = str(live.hub.count).encode()
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


application = BenchShell()


def main() -> None:
    from closeknit import cli
    from closeknit.web import asgi

    asgi.application = application
    cli._serve(cli._django(), "ready", worker=False)


if __name__ == "__main__":
    main()
