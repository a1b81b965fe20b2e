"""Every address, by every kind of visitor, compared with one file of expectations. An address without a row fails."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from closeknit.method.ladder import Ladder, Rung
from closeknit.method.worry import Worry
from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Invitation, PrivateWord
from closeknit.web.dialogues import library
from closeknit.web.dialogues import services as dialogues
from closeknit.web.members import factors
from closeknit.web.members.models import Factor, OwnSession
from closeknit.web.moments import services as moments
from closeknit.web.reflect import sheets

from .talk import Talk, ask

MATRIX: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "matrix.yaml").read_text("utf-8")
)
VISITORS = ("nobody", "locked", "ana", "jonas", "revealed", "eve", "invited", "staff")
#: A wrong secret, kit or session answers as the form says; these forms are sent empty.
EMPTY: dict[str, str] = {}


def url_names(patterns: Any = None) -> dict[str, URLPattern]:
    found = {}
    for pattern in patterns or get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            found |= url_names(pattern.url_patterns)
        else:
            found[pattern.name] = pattern
    return found


def test_every_address_has_a_row():
    assert set(url_names()) == set(MATRIX)


@pytest.fixture
def scene(cast):
    """Ana has answered, and asked Jonas to a dialogue at a time; an invitation to another bond of hers is open; a prompt of
    her own is written."""
    moment = cast.first_moment(cast.ana).id
    opened = cast.ana.bond(cast.pair)
    own = moments.own_prompt_write(opened, "A prompt of our own?")
    circle = bonds.bond_create(
        cast.ana.member,
        cast.ana.keyring,
        kind="circle",
        leave_rule="leave",
        name="Three",
        own_name="Ana",
        thread="plum",
    )
    invitation, secret = bonds.invitation_create(circle)
    moments.answer_share(cast.ana.bond(cast.pair), moment, "Ana's words")
    factors.codes_make(cast.ana.member, cast.ana.keyring)
    asked = dialogues.dialogue_ask(
        cast.ana.bond(cast.pair),
        library.the_scripts()["good-news"],
        members=[cast.jonas.member.pk],
        when=clock.now() + timedelta(hours=2),
    )
    private.words_keep(cast.ana.member.pk, cast.ana.keyring, [(None, {"text": "Mine alone.", "at": None})])
    rung = Rung(str(uuid.uuid4()), "A thing.", 3)
    ladder = Ladder("Jonas").add(rung, overwhelms=False)
    sheet = sheets.sheet_new(cast.ana.keyring, cast.ana.member, sheets.SheetKind.LADDER, ladder.to_payload())
    fear = sheets.sheet_new(cast.ana.keyring, cast.ana.member, sheets.SheetKind.WORRY, Worry({}).to_payload())
    client = cast.ana.client
    session = OwnSession.objects.get(session_key=client.session.session_key)
    ids = {
        "bond_id": cast.pair,
        "moment_id": moment,
        "dialogue_id": asked.id,
        "mark": "",  # each member's own, set for each visitor
        "item_id": uuid.uuid4(),
        "prompt_id": own.id,
        "session_id": session.id,
        "invitation_id": invitation.id,
        "token": "no-such-token",
        "member_id": cast.jonas.member.pk,
        "factor_id": Factor.objects.get(member=cast.ana.member).pk,
        "name": "no-such-rehearsal",
        "sheet_id": sheet,
        "rung_id": rung.id,
        "picture_id": rung.id,
        "fear_id": fear,
        "word_id": PrivateWord.objects.get(member=cast.ana.member).pk,
    }
    return cast, ids, secret


def visitor(name: str, cast: Any, ids: dict[str, Any], secret: bytes) -> Client:
    if name in {"nobody", "invited"}:
        client = Client()
        if name == "invited":
            answer = client.post(f"/join/{ids['invitation_id']}/", {"secret": bonds.invitation_words(secret)})
            assert answer.status_code == 302
        return client
    if name == "locked":
        cast.ana.client.post("/lock/")
        return cast.ana.client
    if name == "revealed":
        moments.answer_share(cast.jonas.bond(cast.pair), ids["moment_id"], "Jonas's words")
        return cast.jonas.client
    if name == "staff":
        cast.eve.member.is_staff = cast.eve.member.is_superuser = cast.eve.member.is_host = True
        cast.eve.member.save()
        return cast.eve.client
    return {"ana": cast.ana, "jonas": cast.jonas, "eve": cast.eve}[name].client


def expectation(name: str, method: str, who: str) -> Any:
    """A method without a row is not allowed (405), for whoever gets as far as that: others are turned away before."""
    row = MATRIX[name].get(method)
    if row is not None:
        return row.get(who, row["all"])
    first = MATRIX[name]["get"].get(who, MATRIX[name]["get"]["all"])
    return first if first in {"in", 403, 404} else 405


@pytest.mark.django_db
@pytest.mark.parametrize("who", VISITORS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_matrix(scene, who, method):
    from django.db import transaction

    cast, ids, secret = scene
    wrong = []
    for name, pattern in url_names().items():
        whose = cast.jonas if who in {"jonas", "revealed"} else cast.ana
        ids["mark"] = library.mark(whose.bond(cast.pair), library.the_scripts()["good-news"])
        kwargs = {key: ids[key] for key in pattern.pattern.converters if key in ids}
        if name.startswith("worry"):
            kwargs["sheet_id"] = ids["fear_id"]
        path = reverse(name, kwargs=kwargs)
        sid = transaction.savepoint()
        expected = expectation(name, method, who)
        client = visitor(who, cast, ids, secret)
        for person in (cast.ana, cast.jonas, cast.eve):
            person.bond()
        answer = getattr(client, method)(path, EMPTY)
        got: Any = answer.status_code
        if got == 302 and answer.url.startswith("/sign-in/"):
            got = "in"
        if got != expected:
            wrong.append(f"{method} {name} by {who}: {got}, expected {expected}")
        transaction.savepoint_rollback(sid)
        for person in (cast.ana, cast.jonas, cast.eve):
            person._client = None
        cast.ana.client, ids["session_id"]  # noqa: B018
        ids["session_id"] = OwnSession.objects.get(session_key=cast.ana.client.session.session_key).id
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_absent_and_not_yours_are_the_same_bytes(scene):
    cast, ids, _secret = scene

    def page(path: str) -> tuple[int, str]:
        answer = cast.eve.client.get(path)
        return answer.status_code, re.sub(r'nonce="[^"]*"', "", answer.content.decode())

    not_hers = page(f"/b/{ids['bond_id']}/m/{ids['moment_id']}/")
    absent = page(f"/b/{uuid.uuid4()}/m/{uuid.uuid4()}/")
    assert not_hers == absent and not_hers[0] == 404


@pytest.mark.django_db
def test_a_declined_invitation_looks_like_no_answer(scene):
    cast, ids, secret = scene
    client = visitor("invited", cast, ids, secret)
    before = cast.ana.client.get(f"/b/{Invitation.objects.get(pk=ids['invitation_id']).bond_id}/invite/")
    client.post(f"/join/{ids['invitation_id']}/decline/")
    after = cast.ana.client.get(f"/b/{Invitation.objects.get(pk=ids['invitation_id']).bond_id}/invite/")
    assert [one["state"] for one in before.context["open"]] == [one["state"] for one in after.context["open"]]
    assert client.post(f"/join/{ids['invitation_id']}/", {"secret": bonds.invitation_words(secret)}).status_code == 410


# -- one dialogue, by who has something to do with it ---------------------------------------------------------------------

TALK: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "matrix_talk.yaml").read_text("utf-8"))
IN_TALK = ("former", "unasked", "waiting", "floor")


@pytest.fixture
def circle_talk(cast):
    """(the dialogue, its visitors by name, an item of whoever has the floor)."""
    from closeknit.web.bonds import leaving
    from closeknit.web.bonds.models import Item

    circle = cast.circle()
    cast.join(cast.ana, cast.eve, circle)
    cast.ana.bond(circle)
    talk = ask(cast, "good-news", cast.ana, cast.jonas, cast.eve, bond=circle).begin()
    while not Item.objects.filter(stream=talk.id, author=talk.speaker.member).exists() or talk.speaker is cast.eve:
        talk.say("a word of mine")
    floor = talk.speaker
    waiting = cast.jonas if floor is cast.ana else cast.ana
    leaving.bond_leave(cast.eve.bond(circle))
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    for person in (cast.ana, cast.jonas, cast.cleo):
        person.bond(circle)
    assert talk.state().floor == floor.id
    people = {"former": cast.eve, "unasked": cast.cleo, "waiting": waiting, "floor": floor}
    item = Item.objects.filter(stream=talk.id, author=floor.member).first()
    return talk, people, item


def path_of(row: str, talk: Talk, item: Any, dialogue: Any = None) -> str:
    name = row.split()[0]
    kwargs = {"bond_id": talk.bond, "dialogue_id": dialogue or talk.id}
    return reverse(name, kwargs={**kwargs, "item_id": item} if name == "dialogue-take-back" else kwargs)


def test_every_address_of_a_dialogue_has_a_row():
    wanted = {name for name, pattern in url_names().items() if "dialogue_id" in pattern.pattern.converters}
    assert {row.split()[0] for row in TALK} == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("who", IN_TALK)
def test_matrix_of_a_dialogue(circle_talk, who):
    from django.db import transaction

    talk, people, item = circle_talk
    client, step, wrong = people[who].client, talk.state().step, []
    bare = lambda page: re.sub(r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"', "", page)  # noqa: E731
    for row, expected in TALK.items():
        sid = transaction.savepoint()
        pages = []
        for dialogue in (None, uuid.uuid4()):
            path = path_of(row, talk, item.pk, dialogue)
            answer = client.get(path) if expected.get("get") else client.post(path, {"step": step, **expected["post"]})
            pages.append((answer.status_code, bare(answer.content.decode()).replace(path, "")))
        transaction.savepoint_rollback(sid)
        if pages[0][0] != expected[who]:
            wrong.append(f"{row} by {who}: {pages[0][0]}, expected {expected[who]}")
        if expected[who] == 404 and who in {"former", "unasked"} and pages[0] != pages[1]:
            wrong.append(f"{row} by {who}: absent and not-yours differ")
    assert not wrong, "\n".join(wrong)
