"""Who may have a stream of pokes, looked up for many at once; and what one stream sends while it is open."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from closeknit.web import clock, live
from closeknit.web.asgi import Shell
from closeknit.web.members.live_access import members_for_sessions
from closeknit.web.members.models import Member


def key_of(person) -> str:
    return person.client.cookies["ck-session"].value


# -- the door ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_signed_in_unlocked_sessions_of_active_members_may_have_a_stream(cast, django_assert_num_queries):
    everybody = {key_of(person): person.member.pk for person in (cast.ana, cast.jonas, cast.cleo, cast.eve)}
    strange = ["", "no-such", "x" * 32, "a\0b", "ü" * 32]
    with django_assert_num_queries(2):
        assert members_for_sessions([*everybody, *strange]) == everybody
    cast.jonas.client.post("/lock/")
    Member.objects.filter(pk=cast.cleo.member.pk).update(is_active=False)
    Session.objects.filter(session_key=key_of(cast.eve)).update(expire_date=clock.now() - timedelta(minutes=1))
    assert members_for_sessions(everybody) == {key_of(cast.ana): cast.ana.member.pk}
    with clock.shifted(timedelta(days=2)):
        assert members_for_sessions(everybody) == {}
    cast.ana.member.set_password("another one for a quiet kitchen")
    cast.ana.member.save()
    with django_assert_num_queries(2):
        assert members_for_sessions(everybody) == {}
    with django_assert_num_queries(1):
        assert members_for_sessions(["x" * 32]) == {}


def test_whoever_asks_meanwhile_is_looked_up_together(monkeypatch):
    looks: list[list[str]] = []
    known = {f"key{n}": uuid.uuid4() for n in range(0, 400, 2)}

    def authorise(keys):
        looks.append(keys)
        time.sleep(0.05)
        return {key: known[key] for key in keys if key in known}

    async def ask():
        door = live.Door()
        first = asyncio.create_task(door.member("key0"))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(door.member(f"key{n}")) for n in range(1, 400)]
        await asyncio.sleep(0)
        first.cancel()  # leaves before the others have their answer
        found = await asyncio.gather(*rest)
        await asyncio.sleep(0)
        return found, await door.member("key2")

    monkeypatch.setattr(live, "_authorise", authorise)
    found, later = asyncio.run(ask())
    assert found == [known.get(f"key{n}") for n in range(1, 400)]
    assert [len(one) for one in looks] == [1, live.KEYS_A_LOOK, 399 - live.KEYS_A_LOOK, 1]
    assert later == known["key2"]


def test_a_look_that_breaks_leaves_nobody_waiting(monkeypatch, caplog):
    def authorise(keys):
        raise RuntimeError("words of somebody")

    async def ask():
        door = live.Door()
        return await asyncio.wait_for(asyncio.gather(*(door.member(f"key{n}") for n in range(3))), 5)

    monkeypatch.setattr(live, "_authorise", authorise)
    with caplog.at_level("ERROR", "closeknit.live"):
        assert asyncio.run(ask()) == [None, None, None]
    assert [record.getMessage() for record in caplog.records] == ["streams-not-checked RuntimeError"]


# -- one stream -------------------------------------------------------------------------------------------------------


class Page:
    """An open page: an ASGI server's side of one request, and what came."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.during = lambda text: None
        self.stalls = False
        self.left = asyncio.Event()
        headers = [(b"host", b"testserver"), (b"cookie", b"ck-session=abcdefgh12345678")]
        self.scope = {"type": "http", "method": "GET", "path": "/live/", "headers": headers}
        self.task = asyncio.create_task(live.stream(self.scope, self._receive, self._send))

    async def _receive(self) -> dict:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict) -> None:
        self.during(message.get("body", b"").decode())
        await asyncio.sleep(60 if self.stalls else 0)
        self.sent.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def until(self, wanted: str) -> None:
        async with asyncio.timeout(5):
            while not re.search(wanted, self.text):
                await asyncio.sleep(0.005)


@pytest.fixture
def member(monkeypatch, settings) -> uuid.UUID:
    """A member whose sessions may have streams; and a hub of this test's own."""
    settings.ALLOWED_HOSTS = ["testserver"]
    one = uuid.uuid4()
    monkeypatch.setattr(live, "_authorise", lambda keys: dict.fromkeys(keys, one))
    monkeypatch.setattr(live, "door", live.Door())
    monkeypatch.setattr(live, "hub", live.Hub())
    return one


def test_a_quiet_stream_pings_and_a_poked_one_says_the_newest_once(member, monkeypatch):
    monkeypatch.setattr(live, "PING_SECONDS", 0.05)

    async def look():
        page = Page()
        await page.until(r"data: hello\n\n:\n\n:\n\n")
        for version in (3, 9, 4):
            live.hub.deliver({"to": [str(member)], "topic": "bond:x", "version": version})
        await page.until(r"data: bond:x v9\n\n")
        await page.until(r"v9\n\n(:\n\n){2}")
        assert page.text.count("bond:x") == 1
        page.left.set()
        await asyncio.wait_for(page.task, 5)
        quiet = len(page.sent)
        await asyncio.sleep(0.15)
        assert len(page.sent) == quiet and live.hub.count == 0

    asyncio.run(look())


def test_a_poke_during_a_send_is_not_lost(member):
    """Then nobody waits who could be woken."""

    async def look():
        page = Page()
        await page.until("hello")

        def during(text: str) -> None:
            if "first" in text:
                live.hub.deliver({"to": [str(member)], "topic": "second", "version": 2})

        page.during = during
        live.hub.deliver({"to": [str(member)], "topic": "first", "version": 1})
        await page.until(r"data: first v1\n\ndata: second v2\n\n$")
        live.hub.stop()
        await asyncio.wait_for(page.task, 5)
        assert re.search(r"v2\n\nretry: \d{4}\ndata: bye\n\n$", page.text)

    asyncio.run(look())


def test_a_page_that_does_not_read_is_dropped(member, monkeypatch, caplog):
    monkeypatch.setattr(live, "STALL_SECONDS", 0.05)

    async def look():
        page = Page()
        await page.until("hello")
        page.stalls = True
        live.hub.deliver({"to": [str(member)], "topic": "first", "version": 1})
        await asyncio.wait_for(page.task, 5)
        assert live.hub.count == 0 and "first" not in page.text

    with caplog.at_level("INFO", "closeknit.live"):
        asyncio.run(look())
    assert [record.getMessage() for record in caplog.records] == ["stream-stalled"]


def test_a_stream_ends_when_its_session_no_longer_holds(member, monkeypatch):
    monkeypatch.setattr(live, "PING_SECONDS", 0.02)
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.1)
    over = threading.Event()
    monkeypatch.setattr(live, "_authorise", lambda keys: {} if over.is_set() else dict.fromkeys(keys, member))

    async def look():
        page = Page()
        await page.until("hello")
        await asyncio.sleep(0.25)
        assert not page.task.done()
        over.set()
        await asyncio.wait_for(page.task, 5)
        assert page.text.endswith("data: bye\n\n") and page.sent[-1]["more_body"] is False
        again = Page()
        await asyncio.wait_for(again.task, 5)
        assert again.sent[0]["status"] == 404

    asyncio.run(look())


# -- the process ------------------------------------------------------------------------------------------------------


def test_what_a_process_starts_with_is_not_looked_through_again_by_the_collector(member):
    said: list[dict] = []
    asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    before = gc.get_freeze_count()

    async def live_and_die():
        async def receive():
            return next(asked)

        async def send(message):
            said.append(message)
            if message["type"] == "lifespan.startup.complete":
                assert gc.get_freeze_count() > before
                assert live.hub.loop is asyncio.get_running_loop()

        await Shell()({"type": "lifespan"}, receive, send)

    try:
        asyncio.run(live_and_die())
    finally:
        gc.unfreeze()
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert live.hub.stopping
