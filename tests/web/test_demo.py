"""The demo: built through the services, in every state, with no word of it readable on disk; both phones, side by side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from closeknit.method import moment as machine
from closeknit.web.bonds import access
from closeknit.web.demo import build as building
from closeknit.web.demo.build import build, slug_id
from closeknit.web.demo.life import the_life
from closeknit.web.demo.views import FIRST, SIGHTS
from closeknit.web.members import services as members
from closeknit.web.members.models import Member
from closeknit.web.moments import queries
from closeknit.web.moments.models import Moment

KEYRING = "closeknit.web.members.middleware.KeyringMiddleware"
HOSTS = "closeknit.web.demo.hosts.DemoHosts"
ANA, JONAS = "ana.demo.localhost:8041", "jonas.demo.localhost:8041"


@pytest.fixture
def demo(settings):
    settings.CK_DEMO = True
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, *settings.DEMO_HOSTS]
    if HOSTS not in settings.MIDDLEWARE:
        middleware = list(settings.MIDDLEWARE)
        middleware.insert(middleware.index(KEYRING), HOSTS)
        settings.MIDDLEWARE = middleware
    return settings


@pytest.fixture(scope="module")
def life(django_db_setup, django_db_blocker):
    """Built once, and really committed: what it leaves in the database's files is looked at too."""
    seen = []
    with django_db_blocker.unblock():
        with override_settings(CK_DEMO=True):
            build(progress=lambda done, total: seen.append((done, total)))
        yield seen
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def built(life, db, demo):
    return life


def bond(username: str, name: str = "us"):
    sample = the_life().members[username]
    member = Member.objects.get(username=username)
    keyring = members.secret_open_with_passphrase(member, sample.passphrase)
    wanted = the_life().bonds[name].name
    return next(one for one in access.bonds_load(member.pk, keyring) if one.name == wanted)


def page(username: str, slug: str, name: str = "us") -> queries.MomentPage:
    opened = bond(username, name)
    found = {g.prompt.id: g for g in queries.glances(opened, list(queries.moments_of(opened)))}
    glance = found[slug_id(slug)]
    return queries.moment_page(opened, glance, queries.drafts_of(opened, [glance.id]))


# -- building -----------------------------------------------------------------------------------------------------------


def test_every_step_is_reported_and_everything_is_there(built):
    life = the_life()
    total = built[0][1]
    assert built == [(step, total) for step in range(1, total + 1)]
    assert Member.objects.count() == len(life.members)
    assert Moment.objects.count() == len(life.moments)
    assert len([one for one in life.moments if one.bond == "us"]) >= 34


def test_it_is_months_old_and_nothing_lies_ahead(built):
    from closeknit.web import clock

    now = clock.now()
    days = sorted((now - row.opened_at).days for row in Moment.objects.all())
    assert days[0] == 0 and days[-1] > 200
    assert all(row.opened_at <= (row.revealed_at or now) <= now for row in Moment.objects.all())


def test_it_never_fills_a_store_with_members_or_outside_a_demo(built, settings):
    with pytest.raises(building.NotEmpty):
        build()
    settings.CK_DEMO = False
    with pytest.raises(building.NotADemo):
        build()


# -- states ---------------------------------------------------------------------------------------------------------------


def test_open_and_nobody_answered(built):
    ana, jonas = page("ana", "shown"), page("jonas", "shown")
    assert (ana.stage, jonas.stage, ana.told_names, jonas.told_names) == ("write", "write", (), ())


def test_jonas_has_answered_and_ana_is_told(built):
    ana, jonas = page("ana", "nowords"), page("jonas", "nowords")
    assert ana.stage == "write" and ana.told_names == ("Jonas",) and ana.answers == ()
    assert jonas.stage == "waiting"


def test_ana_is_writing(built):
    assert page("ana", "ownrule").draft and page("jonas", "ownrule").draft == ""


def test_ana_waits_and_jonas_is_not_told(built):
    assert page("ana", "again").stage == "waiting"
    assert page("jonas", "again").told_names == ()


def test_one_just_opened_awaits_anas_response(built):
    assert page("ana", "monday").glance.unanswered_responses
    assert not page("jonas", "monday").glance.unanswered_responses


def test_jonas_passed_and_nobody_else_can_tell(built):
    ana, jonas = page("ana", "gettingready"), page("jonas", "gettingready")
    assert jonas.passed and not ana.passed and ana.stage == "waiting"


def test_ana_released_hers_without_his(built):
    jonas = page("jonas", "aloneinroom")
    assert [answer.person.name for answer in jonas.answers] == ["Ana"] and jonas.mine is None
    assert jonas.view.phase is not machine.Phase.REVEALED


def test_ana_took_hers_back_after_the_reveal(built):
    ana, jonas = page("ana", "holding"), page("jonas", "holding")
    assert ana.mine is None and jonas.answers == () and jonas.mine is not None
    assert ana.draft


def test_notes_advice_and_own_prompts(built):
    assert page("ana", "door").mine.notes
    assert page("jonas", "body").mine.words[1].advice
    assert {text for _row, text, _person in queries.own_prompts(bond("ana"))} >= {"Which of us waters the plant?"}


def test_in_the_circle_some_have_answered(built):
    ana = page("ana", "nextwinter", "table")
    assert ana.stage == "write" and ana.answers == () and ana.view.some_have_answered and ana.waiting_names == ("Cleo",)
    assert page("jonas", "nextwinter", "table").stage == "waiting"


def test_nothing_old_is_left_waiting_for_a_response(built):
    """Today would bring it up again and hide what the demo is to show."""
    for username, name in (("ana", "us"), ("jonas", "us"), ("ana", "table"), ("jonas", "table"), ("cleo", "table")):
        opened = bond(username, name)
        left = [
            glance.prompt.id
            for glance in queries.glances(opened, list(queries.moments_of(opened)))
            if glance.unanswered_responses
        ]
        assert left == ([slug_id("monday")] if (username, name) == ("ana", "us") else [])


# -- nothing readable -----------------------------------------------------------------------------------------------------


def test_the_prompts_keep_the_voice():
    """The rules of docs/writing-content.md that a machine can check."""
    prompts = [one.prompt for one in the_life().moments] + [one.text for one in the_life().own_prompts]
    assert len(set(prompts)) == len(prompts)
    for prompt in prompts:
        assert len(prompt.split()) <= 25 and prompt.count("?") == 1 and "!" not in prompt


def test_no_sample_word_lies_readable_in_the_database(built):
    raw = bytearray()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                for value in row:
                    data = bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                    raw += data + b"\n"
    if connection.vendor == "sqlite" and Path(str(connection.settings_dict["NAME"])).is_file():
        for file in Path(str(connection.settings_dict["NAME"])).parent.glob("*.sqlite3*"):
            raw += file.read_bytes()
    held = bytes(raw)
    assert b"ana" in held
    for text in the_life().texts():
        for phrase in re.findall(r"[^.?!\n]{12,}", text):
            piece = phrase.strip()[:40]
            assert piece.encode() not in held and piece.encode("utf-16-le") not in held, piece
    for sample in the_life().members.values():
        assert sample.passphrase.encode() not in held
    for bond_of in the_life().bonds.values():
        assert bond_of.name.encode() not in held


# -- pages ------------------------------------------------------------------------------------------------------------------


def test_the_first_page_frames_both_phones_and_tells_how_to_sign_in(built, client: Client):
    response = client.get("/", headers={"host": "demo.localhost:8041"})
    text = response.content.decode()
    assert response.status_code == 200
    for host, name in ((ANA, "ana"), (JONAS, "jonas")):
        assert f'src="http://{host}/demo/enter/{name}/?to={FIRST}"' in text
    for sample in the_life().members.values():
        assert sample.passphrase in text
    assert "style=" not in text and "<script" not in text and "onclick" not in text
    style = client.get("/demo/demo.css", headers={"host": "demo.localhost:8041"})
    assert style["Content-Type"].startswith("text/css")


def test_a_phone_signs_its_own_member_in_and_shows_each_sight(built):
    for host, name in ((ANA, "ana"), (JONAS, "jonas")):
        phone = Client(headers={"host": host})
        for slug, _what in SIGHTS:
            entered = phone.get(f"/demo/enter/{name}/?to={slug}")
            assert entered.status_code == 302 and "/m/" in entered["Location"]
            assert phone.get(entered["Location"]).status_code == 200
        for to in ("", "thread", "no-such-thing"):
            assert phone.get(f"/demo/enter/{name}/?to={to}", follow=True).status_code == 200
        assert phone.get("/", follow=True).status_code == 200


def test_a_phone_signs_nobody_else_in(built):
    phone = Client(headers={"host": ANA})
    assert phone.get("/demo/enter/jonas/").status_code == 404
    assert phone.get("/demo/enter/eve/").status_code == 404
    assert Client(headers={"host": "127.0.0.1"}).get("/demo/enter/ana/").status_code == 404


def test_a_locked_phone_opens_again_by_its_link(built):
    phone = Client(headers={"host": ANA})
    phone.get("/demo/enter/ana/")
    assert phone.post("/lock/").status_code == 302
    assert phone.get("/demo/enter/ana/?to=door", follow=True).status_code == 200


def test_a_phone_with_another_account_in_it_comes_back(built):
    phone = Client(headers={"host": ANA})
    phone.force_login(Member.objects.get(username="cleo"))
    entered = phone.get("/demo/enter/ana/?to=door", follow=True)
    assert entered.status_code == 200 and entered.context["request"].user.username == "ana"


def test_an_answer_opens_on_both_phones(built):
    ana, jonas = Client(headers={"host": ANA}), Client(headers={"host": JONAS})
    place = ana.get(f"/demo/enter/ana/?to={FIRST}")["Location"]
    assert jonas.get(f"/demo/enter/jonas/?to={FIRST}")["Location"] == place
    assert "Peel something" not in ana.get(place).content.decode()
    ana.post(f"{place}share/", {"text": "Sit on the step below.", "told": "on"}, follow=True)
    assert "Peel something" in ana.get(place).content.decode()
    assert "Sit on the step below." in jonas.get(place).content.decode()


def test_outside_the_demo_none_of_it_exists(db, client: Client):
    assert client.get("/demo/enter/ana/", headers={"host": "127.0.0.1"}).status_code == 404
    assert client.get("/demo/demo.css", headers={"host": "127.0.0.1"}).status_code == 404
