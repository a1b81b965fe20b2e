"""Pokes: contentless "look again" lines, pushed to open pages over GET /live/ as Server-Sent Events.

A poke names a topic and a version and nothing else, so no word ever enters a broker. It may come twice, late or not at
all: the page fetches what it needs over plain HTTP, and fetches again whenever it reconnects.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("closeknit.live")

PING_SECONDS = 15.0
STALL_SECONDS = 5.0
RECHECK_SECONDS = 180.0
STREAMS_A_MEMBER = 8
STREAMS_A_PROCESS = 5000
KEYS_A_LOOK = 250
CHANNEL = "closeknit:pokes"


class Stream:
    """One open page. What waits is coalesced by topic; a page that does not read is dropped.

    Thousands of these wait at the same time, so it holds no more than it needs: one future while it waits, where an
    asyncio.Event would bring a queue for waiters, and one timer for its pings.
    """

    __slots__ = ("_ping", "_waits", "closing", "member", "pending", "ping_due", "session")

    def __init__(self, member: uuid.UUID, session: str) -> None:
        self.member, self.session = member, session
        self.pending: dict[str, int] = {}
        self.closing = self.ping_due = False
        self._waits: asyncio.Future[None] | None = None
        self._ping: asyncio.TimerHandle | None = None

    def poke(self, topic: str, version: int) -> None:
        self.pending[topic] = max(version, self.pending.get(topic, 0))
        self._wake()

    def close(self) -> None:
        self.closing = True
        self._wake()

    def keep_alive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have pings sent, so that whoever stands between does not take a quiet line for a dead one."""
        self._ping = loop.call_later(PING_SECONDS, self._ping_now, loop)

    def _ping_now(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ping_due = True
        self._wake()
        self.keep_alive(loop)

    async def wait(self) -> None:
        """Until there is something to send, or an end. For the one task that writes."""
        if not (self.closing or self.ping_due or self.pending):
            self._waits = asyncio.get_running_loop().create_future()
            try:
                await self._waits
            finally:
                self._waits = None

    def _wake(self) -> None:
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    def over(self) -> None:
        """No more pings."""
        if self._ping is not None:
            self._ping.cancel()


class Hub:
    """All streams of this process. Touched only from its event loop; `send` may be called from any thread."""

    def __init__(self) -> None:
        self.streams: dict[uuid.UUID, set[Stream]] = defaultdict(set)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.count = 0
        self.stopping = False

    def add(self, stream: Stream) -> bool:
        if self.stopping or self.count >= STREAMS_A_PROCESS:
            return False
        mine = self.streams[stream.member]
        if len(mine) >= STREAMS_A_MEMBER:
            next(iter(mine)).close()
        mine.add(stream)
        self.count += 1
        return True

    def remove(self, stream: Stream) -> None:
        mine = self.streams.get(stream.member)
        if mine and stream in mine:
            mine.discard(stream)
            self.count -= 1
            if not mine:
                del self.streams[stream.member]

    def deliver(self, message: dict[str, Any]) -> None:
        """Hand a message to this process's streams. On the event loop."""
        if "end" in message:
            for streams in list(self.streams.values()):
                for stream in list(streams):
                    if stream.session == message["end"]:
                        stream.close()
            return
        for member in message.get("to", ()):
            for stream in self.streams.get(uuid.UUID(member), ()):
                stream.poke(message["topic"], message["version"])

    def resync(self) -> None:
        """Pokes may have been missed: tell every page to look again."""
        for streams in self.streams.values():
            for stream in streams:
                stream.poke("resync", int(time.time() * 1000))

    def stop(self) -> None:
        self.stopping = True
        for streams in list(self.streams.values()):
            for stream in list(streams):
                stream.close()

    def send(self, message: dict[str, Any]) -> None:
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.deliver, message)


hub = Hub()


# -- sending, from any thread -----------------------------------------------------------------------------------------


class _Publisher:
    """Sends through Redis when there is one, else straight to this process. Never fails a write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def publish(self, url: str, message: dict[str, Any]) -> None:
        import redis

        try:
            with self._lock:
                if self._client is None:
                    self._client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
            self._client.publish(CHANNEL, json.dumps(message))
        except redis.RedisError:
            # Pages of this process still hear of it; others look again when the broker is back.
            log.warning("broker-away")
            hub.send(message)


_publisher = _Publisher()


def _redis_url() -> str:
    from closeknit.web import config

    return config.load().redis_url


def _send(message: dict[str, Any]) -> None:
    url = _redis_url()
    if url:
        _publisher.publish(url, message)
    else:
        hub.send(message)


def poke(members: Iterable[uuid.UUID], topic: str, version: int) -> None:
    """Tell these members' open pages to look at `topic` again. Call after the commit; returns at once."""
    to = [str(member) for member in members]
    if to:
        _send({"to": to, "topic": topic, "version": version})


def close_streams(session_key: str) -> None:
    """End the streams of a session that was locked or ended."""
    if session_key:
        _send({"end": _tag(session_key)})


def _tag(session_key: str) -> str:
    """A session key's stand-in, so that the key itself enters no broker."""
    import hashlib

    return hashlib.blake2b(session_key.encode(), digest_size=16, person=b"ck/stream").hexdigest()


# -- receiving ----------------------------------------------------------------------------------------------------------


async def listen(url: str) -> None:
    """Hand on what other processes publish; reconnects for ever, and lets pages look again after a gap."""
    import redis.asyncio as redis

    wait = 0.2
    while not hub.stopping:
        try:
            client = redis.Redis.from_url(url)
            async with client.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(CHANNEL)
                wait = 0.2
                hub.resync()
                async for message in channel.listen():
                    hub.deliver(json.loads(message["data"]))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.warning("broker-away")
        await asyncio.sleep(wait)
        wait = min(wait * 2, 5.0)


# -- the stream -----------------------------------------------------------------------------------------------------------


def _authorise(session_keys: list[str]) -> dict[str, uuid.UUID]:
    """Whose sessions these are, of those that may have a stream. None while the database is away: pages ask again."""
    from django.db import DatabaseError, close_old_connections, connections

    from closeknit.web.members.live_access import members_for_sessions

    close_old_connections()
    try:
        return members_for_sessions(session_keys)
    except DatabaseError:
        log.warning("database-away")
        return {}
    finally:
        connections.close_all()


class Door:
    """Who may have a stream. Whoever asks during a look at the database is looked up with all who ask meanwhile, in the
    next one: after a restart everybody comes back at once, and a connection for each would take most of the time."""

    def __init__(self) -> None:
        self._asking: list[tuple[str, asyncio.Future[uuid.UUID | None]]] = []
        self._looking: asyncio.Task[None] | None = None

    async def member(self, session_key: str) -> uuid.UUID | None:
        """Whose session this is, if it may have a stream."""
        answer: asyncio.Future[uuid.UUID | None] = asyncio.get_running_loop().create_future()
        self._asking.append((session_key, answer))
        if self._looking is None:
            # A task of its own: whoever came first may leave before the others have their answer.
            self._looking = asyncio.create_task(self._look())
        return await answer

    async def _look(self) -> None:
        """Until nobody asks any more."""
        try:
            while self._asking:
                those, self._asking = self._asking[:KEYS_A_LOOK], self._asking[KEYS_A_LOOK:]
                try:
                    found = await asyncio.to_thread(_authorise, [key for key, _answer in those])
                except Exception as error:
                    # Nobody waits for ever: their pages ask again.
                    log.error("streams-not-checked %s", type(error).__name__)
                    found = {}
                for key, answer in those:
                    if not answer.done():
                        answer.set_result(found.get(key))
        finally:
            self._looking = None


door = Door()


def _session_key(scope: dict[str, Any]) -> str:
    """The session that asks, by its cookie: GET, for a host of ours, from a page of ours. Empty if it is none of these."""
    from django.conf import settings
    from django.http import parse_cookie

    headers = {name.lower(): value for name, value in scope["headers"]}
    if not _welcome(scope, headers):
        return ""
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    return str(cookies.get(settings.SESSION_COOKIE_NAME, ""))


def _welcome(scope: dict[str, Any], headers: dict[bytes, bytes]) -> bool:
    from django.conf import settings
    from django.http.request import split_domain_port, validate_host

    host, _port = split_domain_port(headers.get(b"host", b"").decode("latin-1"))
    if scope["method"] != "GET" or not host or not validate_host(host, settings.ALLOWED_HOSTS):
        return False
    if headers.get(b"sec-fetch-site", b"same-origin") not in {b"same-origin", b"none"}:
        return False
    origin = headers.get(b"origin")
    return origin is None or origin.decode("latin-1").split("://")[-1] == headers[b"host"].decode("latin-1")


async def _not_found(send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def stream(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """GET /live/: a plain ASGI application, before Django and its middleware."""
    key = _session_key(scope)
    member = await door.member(key) if key else None
    if member is None:
        await _not_found(send)
        return
    one = Stream(member, _tag(key))
    if not hub.add(one):
        await _not_found(send)
        return
    gone = asyncio.create_task(_gone(receive, one))
    try:
        await _run(one, key, send)
    except (TimeoutError, OSError):
        log.info("stream-stalled")
    finally:
        gone.cancel()
        one.over()
        hub.remove(one)


async def _gone(receive: Any, one: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    one.close()


async def _write(send: Any, text: str, more: bool = True) -> None:
    async with asyncio.timeout(STALL_SECONDS):
        await send({"type": "http.response.body", "body": text.encode("ascii"), "more_body": more})


async def _run(one: Stream, key: str, send: Any) -> None:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await _write(send, "retry: 1000\ndata: hello\n\n")
    checked = time.monotonic()
    one.keep_alive(asyncio.get_running_loop())
    while not one.closing:
        await one.wait()
        pending, one.pending = one.pending, {}
        if one.closing:
            break
        if pending:
            await _write(send, "".join(f"data: {topic} v{version}\n\n" for topic, version in pending.items()))
        elif one.ping_due:
            await _write(send, ":\n\n")
        one.ping_due = False
        if time.monotonic() - checked > RECHECK_SECONDS:
            checked = time.monotonic()
            if await door.member(key) is None:
                one.closing = True
    # Spread the return of many pages after a restart.
    await _write(send, f"retry: {random.randint(1000, 4000)}\ndata: bye\n\n", more=False)  # noqa: S311
