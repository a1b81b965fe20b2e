"""The main path through HTTP, as a newcomer and whom they invite walk it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.cast import PASSPHRASE

pytestmark = pytest.mark.django_db


def sign_up(client: Client, name: str) -> tuple[int, str]:
    """(pages seen, where it ends)."""
    assert client.get("/sign-up/").status_code == 200
    answer = client.post("/sign-up/", {"username": name, "password1": PASSPHRASE, "under_18": "no", "zone": "Europe/Berlin"})
    assert answer.status_code == 302 and answer.url == "/kit/"
    page = client.get("/kit/")
    groups, index = page.context["groups"], page.context["form"].index
    wrong = client.post("/kit/", {"group": "XXXXX"})
    assert wrong.status_code == 422 and "Error:" in wrong.content.decode()
    answer = client.post("/kit/", {"group": groups[index].lower()})
    assert answer.status_code == 302
    return 2, answer.url


def test_from_the_first_page_to_the_first_shared_answer():
    ana, jonas, screens = Client(), Client(), ["home"]
    assert ana.get("/").status_code == 200
    sign_up(ana, "ana")
    screens += ["sign-up", "kit"]
    assert ana.get("/").url == "/bonds/new/"
    screens.append("bond-new")
    form = {"kind": "partners", "name": "Us", "own_name": "Ana", "thread": "madder", "leave_rule": "leave"}
    answer = ana.post("/bonds/new/", form)
    invite = ana.get(answer.url)
    screens.append("invite")
    link = invite.context["open"][0]["link"]
    bond = re.search(r"/b/([0-9a-f-]+)/", answer.url).group(1)
    today = ana.get(f"/b/{bond}/")
    screens.append("today")
    moment = today.context["page"].glance.id
    assert ana.post(f"/b/{bond}/m/{moment}/share/", {"text": "I was tired on Tuesday."}).status_code == 302
    assert len(screens) <= 6

    path, secret = re.search(r"(/join/[^#]+)#(.+)$", link).groups()
    seen = []
    assert jonas.get(path).status_code == 200
    assert jonas.post(path, {"secret": secret}).url == path
    explained = jonas.get(path).content.decode()
    assert "Ana" in explained and "Not now" in explained and "their words go with them" in explained
    seen.append("explained")
    answer = jonas.post(f"{path}accept/", {"own_name": "Jonas", "thread": "woad"})
    assert answer.url == "/sign-up/"
    _pages, finish = sign_up(jonas, "jonas")
    seen += ["sign-up", "kit"]
    answer = jonas.get(finish)
    assert answer.url == f"/b/{bond}/"
    today = jonas.get(answer.url)
    seen.append("today")
    assert len(seen) <= 4
    page = today.content.decode()
    assert "has written something" in page and "tired on Tuesday" not in page
    assert jonas.post(f"/b/{bond}/m/{moment}/share/", {"text": "So was I."}).status_code == 302
    for client in (ana, jonas):
        page = client.get(f"/b/{bond}/m/{moment}/").content.decode()
        assert "I was tired on Tuesday." in page and "So was I." in page


def test_the_first_response_comes_before_words(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    base = f"/b/{cast.pair}/m/{moment}/"
    early = cast.ana.client.post(base + "say/", {"to": cast.jonas.id, "text": "words come later"})
    assert early.status_code == 409 and "words come later" in early.content.decode()
    assert cast.ana.client.post(base + "respond/", {"to": cast.jonas.id, "choice": "tell-more"}).status_code == 302
    assert cast.ana.client.post(base + "say/", {"to": cast.jonas.id, "text": "what was it like"}).status_code == 302
    page = cast.jonas.client.get(base).content.decode()
    assert "Tell me more" in page and "what was it like" in page


def test_advice_only_where_it_is_welcome(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    base = f"/b/{cast.pair}/m/{moment}/"
    cast.ana.client.post(base + "respond/", {"to": cast.jonas.id, "choice": "thanks"})
    refused = cast.ana.client.post(base + "say/", {"to": cast.jonas.id, "text": "you should sleep", "advice": "on"})
    assert refused.status_code == 409 and "you should sleep" in refused.content.decode()


def test_waiting_releasing_and_taking_back(cast):
    moment = cast.first_moment(cast.ana).id
    base = f"/b/{cast.pair}/m/{moment}/"
    cast.ana.client.post(base + "share/", {"text": "a sentence of mine"})
    assert "a sentence of mine" not in cast.jonas.client.get(base).content.decode()
    cast.ana.client.post(base + "release/")
    assert "a sentence of mine" in cast.jonas.client.get(base).content.decode()
    cast.ana.client.post(base + "withdraw/")
    page = cast.jonas.client.get(base).content.decode()
    assert "a sentence of mine" not in page and "removed" not in page
    assert "a sentence of mine" in cast.ana.client.get(base).content.decode()


def test_a_double_submit_is_one_answer(cast):
    from closeknit.web.bonds.models import Item

    moment = cast.first_moment(cast.ana).id
    for _twice in range(2):
        answer = cast.ana.client.post(f"/b/{cast.pair}/m/{moment}/share/", {"text": "once"})
        assert answer.status_code == 302
    assert Item.objects.filter(stream=moment).count() == 1


def test_an_untold_answer_changes_nothing_for_others(cast):
    """SAFETY 1: with the other idle, drafting, passing, or having answered without telling, the bytes are the same."""
    moment = cast.first_moment(cast.ana).id
    base = f"/b/{cast.pair}/m/{moment}/"

    def jonas_sees() -> str:
        pages = [cast.jonas.client.get(path).content.decode() for path in (base, f"/b/{cast.pair}/")]
        page = "".join(pages)
        page = re.sub(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]*"', "", page)
        return re.sub(r'data-live="bond:[^"]*" data-version="\d+"', "", page)

    idle = jonas_sees()
    cast.ana.client.get(base)
    assert jonas_sees() == idle
    cast.ana.client.post(base + "draft/", {"text": "half a thought"})
    assert jonas_sees() == idle
    cast.ana.client.post(base + "pass/")
    assert jonas_sees() == idle
    cast.ana.client.post(base + "share/", {"text": "my answer", "hush": "on"})
    assert jonas_sees() == idle
    cast.ana.client.post(base + "told/", {"told": "yes"})
    assert jonas_sees() != idle


def test_what_was_typed_survives_a_lock(cast):
    moment = cast.first_moment(cast.ana).id
    base = f"/b/{cast.pair}/m/{moment}/"
    client = cast.ana.client
    client.get(base)
    client.post("/lock/", {"next": base})
    locked = client.post(base + "share/", {"text": "typed after the lock"})
    assert locked.status_code == 403 and "typed after the lock" not in locked.content.decode()
    assert f'value="{base}"' in locked.content.decode()
    wrong = client.post("/unlock/", {"passphrase": "not this one at all", "next": base})
    assert wrong.status_code == 422
    assert client.post("/unlock/", {"passphrase": PASSPHRASE, "next": base}).url == base
    assert "typed after the lock" in client.get(base).content.decode()


def test_idle_sessions_lock_by_themselves(cast):
    from datetime import timedelta

    from closeknit.web import clock

    client = cast.ana.client
    assert client.get(f"/b/{cast.pair}/").status_code == 200
    with clock.shifted(timedelta(minutes=16)):
        assert client.get(f"/b/{cast.pair}/").status_code == 403
    assert client.get(f"/b/{cast.pair}/").status_code == 403
    assert client.get("/care/").status_code == 200


def test_the_passphrase_changes_without_touching_content(cast):
    from closeknit.web.bonds.models import Item

    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    before = {item.id: bytes(item.body) for item in Item.objects.all()}
    new = "the other kitchen, on a monday"
    answer = cast.ana.client.post("/you/passphrase/", {"passphrase": PASSPHRASE, "new_passphrase": new})
    assert answer.status_code == 302
    assert {item.id: bytes(item.body) for item in Item.objects.all()} == before
    fresh = Client()
    assert fresh.post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).status_code == 422
    assert fresh.post("/sign-in/", {"login": "ana", "password": new}).status_code == 302


def test_the_kit_opens_everything_and_then_is_void(cast):
    from closeknit.vault import kit_text

    kit, new = kit_text(cast.ana.kit), "a third kitchen, by the sea"
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment, ana="still readable afterwards")
    fresh = Client()
    slipped = ("1" if kit[0] != "1" else "2") + kit[1:]
    slip = fresh.post("/recover/", {"login": "ana", "kit": slipped, "new_passphrase": new})
    assert slip.status_code == 422 and "Group 1 has a slip" in slip.content.decode()
    answer = fresh.post("/recover/", {"login": "ana", "kit": kit, "new_passphrase": new})
    assert answer.status_code == 302, answer.content.decode()
    assert "still readable afterwards" in fresh.get(f"/b/{cast.pair}/m/{moment}/").content.decode()
    again = Client().post("/recover/", {"login": "ana", "kit": kit, "new_passphrase": new + " again"})
    assert again.status_code == 422


def test_own_sessions_are_listed_coarsely_and_can_be_ended(cast):
    other = Client(headers={"user-agent": "Mozilla/5.0 (iPhone) Mobile Secretphone/1.0"})
    other.post("/sign-in/", {"login": "ana", "password": PASSPHRASE})
    page = cast.ana.client.get("/you/")
    assert "Phone" in page.content.decode() and "Secretphone" not in page.content.decode()
    row = next(one["row"] for one in page.context["sessions"] if not one["here"])
    assert cast.ana.client.post(f"/you/sessions/{row.id}/end/").status_code == 302
    assert other.get(f"/b/{cast.pair}/").status_code == 302
    assert cast.jonas.client.post(f"/you/sessions/{row.id}/end/").status_code == 404


def test_guessing_is_slowed_but_a_known_device_is_not(cast):
    known = cast.ana.client
    stranger = Client()
    codes = [
        stranger.post("/sign-in/", {"login": "ana", "password": f"wrong guess number {n}"}).status_code
        for n in range(8)
    ]
    assert codes[:4] == [422] * 4 and 429 in codes[4:]
    known.post("/sign-out/")
    assert known.post("/sign-in/", {"login": "ana", "password": PASSPHRASE}).status_code == 302
