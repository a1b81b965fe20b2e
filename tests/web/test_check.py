"""The private check before a joint exercise: whatever somebody answers, or does not, the others see the same.

docs/safety.md, rows 2 to 5; docs/decisions/0010. Each cause is lived through anew in a world that is the same to the byte up
to there; then everything that the others can look at is compared, with how it was made: queries, envelopes opened, pokes, log
lines.
"""

from __future__ import annotations

import io
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from closeknit import vault
from closeknit.method import gate as rule
from closeknit.web import clock, live
from closeknit.web.bonds.models import Bond, BondRow
from closeknit.web.dialogues import gate, services
from closeknit.web.dialogues.models import Dialogue, DialogueOwn
from closeknit.web.reporter import QuietFormatter
from tests.cast import PASSPHRASE

from .talk import PASSES, Talk, ask, pass_the_check, settled, start_of, unlock

pytestmark = pytest.mark.django_db

CLOSING = {
    "afraid": {**PASSES, "afraid": "yes"},
    "sometimes afraid": {**PASSES, "afraid": "sometimes"},
    "rather not say": {**PASSES, "afraid": "rather-not"},
    "hurt": {**PASSES, "hurt": "yes"},
    "sometimes hurt": {**PASSES, "hurt": "sometimes"},
    "not said whether hurt": {**PASSES, "hurt": "rather-not"},
    "not free": {**PASSES, "free": "no"},
    "not said whether free": {**PASSES, "free": "rather-not"},
}
#: What is left out of a comparison, and why it says nothing.
STRIPS = (
    (r'name="csrfmiddlewaretoken" value="[^"]*"', "a token against forged forms, drawn anew for each page"),
    (r'nonce="[^"]*"', "the page's own nonce for its scripts, drawn anew for each answer"),
    (r'(id="(?:talk|today)"[^>]* data-version=)"\d+"', "the millisecond at which this page was drawn: pokes are newer"),
    (r' data-look-again="\d+"', "seconds until the time that was set when it was asked for: it counts down by itself"),
)


def bare(page: str) -> str:
    for pattern, _why in STRIPS:
        page = re.sub(pattern, "", page)
    return page


def seen_by(person: Any, talk: Talk) -> dict[str, str]:
    """All that this person can look at about it."""
    base = f"/b/{talk.bond}/"
    paths = (talk.path, f"{base}talk/", base, f"{base}talk/history/", f"{base}us/", f"{base}thread/")
    found = {}
    for path in paths:
        for headers in ({}, {"X-Poke": "1"}):
            answer = person.client.get(path, headers=headers)
            assert answer.status_code == 200
            found[f"{path} {headers}"] = bare(answer.content.decode())
    return found


def effort_of(person: Any, path: str, monkeypatch: Any) -> tuple[list[str], int]:
    """(the statements that a page asks, without their values; how many envelopes it opens)."""
    opened = []
    real = vault.open_envelope

    def counted(*args: Any, **kwargs: Any) -> bytes:
        opened.append(1)
        return real(*args, **kwargs)

    person.client.get(path)
    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as queries:
        patch.setattr(vault, "open_envelope", counted)
        assert person.client.get(path).status_code == 200
    assert opened, "nothing was counted"
    return [re.sub(r"'[^']*'|\b\d+\b", "?", one["sql"]) for one in queries], len(opened)


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but sessions, whose keys and activity differ by the clock alone."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in {"django_session", "members_ownsession"}:
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
            found[table] = sorted(rows, key=repr)
    return found


# -- the causes ---------------------------------------------------------------------------------------------------------


def nothing(_cast: Any, _talk: Talk, _person: Any) -> None:
    """The other has not come by."""


def looked(_cast: Any, talk: Talk, person: Any) -> None:
    talk.page(person)
    person.client.get(f"/b/{talk.bond}/talk/")


def not_now(_cast: Any, talk: Talk, person: Any) -> None:
    talk.post(person, "not-now")


def check_left(_cast: Any, talk: Talk, person: Any) -> None:
    assert "/talk/check/" in talk.post(person, "accept").url
    assert person.client.get(f"/b/{talk.bond}/talk/check/?next={talk.path}").status_code == 200


def check_half(_cast: Any, talk: Talk, person: Any) -> None:
    answer = person.client.post(f"/b/{talk.bond}/talk/check/", {"afraid": "yes", "next": talk.path})
    assert answer.status_code == 422


def locked_out(_cast: Any, talk: Talk, person: Any) -> None:
    talk.page(person)
    person.client.post("/lock/", {"next": talk.path})


def passed_and_waits(_cast: Any, talk: Talk, person: Any) -> None:
    """The check passed; the yes itself is still to come."""
    assert person.client.post(f"/b/{talk.bond}/talk/check/", {**PASSES, "next": talk.path}).url == talk.path


def closed(answers: dict[str, str]) -> Any:
    def cause(_cast: Any, talk: Talk, person: Any) -> None:
        answer = person.client.post(f"/b/{talk.bond}/talk/check/", {**answers, "next": talk.path})
        assert answer.status_code == 200 and "You matter." in answer.content.decode()

    return cause


def yes_too_early(_cast: Any, talk: Talk, person: Any) -> None:
    """A yes, while the time from which it can begin is not there: the cool-down, or the delay of a bond's first week."""
    passed_and_waits(_cast, talk, person)
    talk.post(person, "accept")


CAUSES = {
    "nothing happened": nothing,
    "looked at it": looked,
    "not now": not_now,
    "check opened": check_left,
    "check half answered": check_half,
    "locked out": locked_out,
    "check passed": passed_and_waits,
    **{f"check closed: {name}": closed(answers) for name, answers in CLOSING.items()},
}
EARLY = {**CAUSES, "yes, too early": yes_too_early}


@pytest.fixture
def world(cast: Any) -> tuple[Any, Talk]:
    """Ana asks; she has gone through her own check. The bond is older than a week."""
    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana)
    return cast, ask(cast, "understood", topic="the kitchen at night")


@pytest.fixture(params=["cool-down", "first week"])
def early(request: Any, cast: Any) -> tuple[Any, Talk]:
    """The same, and it cannot begin yet."""
    pass_the_check(cast.pair, cast.ana)
    if request.param == "cool-down":
        settled(cast.pair)
        pass_the_check(cast.pair, cast.jonas)
        before = ask(cast, "understood").begin()
        before.post(cast.ana, "end")
        gate.write(cast.jonas.bond(cast.pair), passed=False)
        with clock.shifted(timedelta(minutes=1)):
            return cast, ask(cast, "understood", topic="the kitchen at night")
    return cast, ask(cast, "understood", topic="the kitchen at night")


def compared(cast: Any, talk: Talk, cause: Any, monkeypatch: Any) -> None:
    """Ana's pages before and after; the statements and envelopes it takes to make them; what she is poked about."""
    poked: list[Any] = []
    monkeypatch.setattr(live, "_send", lambda message: poked.append(message))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(QuietFormatter())
    cast.ana.client, cast.jonas.client  # noqa: B018 - signed in before anything is counted
    before = seen_by(cast.ana, talk)
    effort = {path: effort_of(cast.ana, path, monkeypatch) for path in (talk.path, f"/b/{talk.bond}/talk/")}
    logging.getLogger().addHandler(handler)
    try:
        cause(cast, talk, cast.jonas)
    finally:
        logging.getLogger().removeHandler(handler)
    assert seen_by(cast.ana, talk) == before
    after = {path: effort_of(cast.ana, path, monkeypatch) for path in effort}
    assert {path: asked for path, (asked, _n) in after.items()} == {path: asked for path, (asked, _n) in effort.items()}
    more = {after[path][1] - effort[path][1] for path in effort}
    # A yes is one sealed event more to open, whatever came of it; a check is none, and neither is anything else.
    assert more == ({1} if cause is yes_too_early else {0})
    reached = [one for one in poked if cast.ana.id in repr(one)]
    assert reached == [], reached
    said = stream.getvalue()
    assert "check" not in said and str(talk.bond) not in said and str(talk.id) not in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CAUSES)
def test_every_cause_looks_the_same_to_whoever_asked(world, monkeypatch, name):
    cast, talk = world
    compared(cast, talk, CAUSES[name], monkeypatch)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["nothing happened", "not now", "check closed: afraid", "check passed", "yes, too early"])
def test_while_it_cannot_begin_yet_a_yes_looks_the_same_too(early, monkeypatch, name):
    cast, talk = early
    with clock.shifted(timedelta(seconds=90)):
        assert talk.state().opens_at > services.second()
        compared(cast, talk, EARLY[name], monkeypatch)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["not now", "check closed: hurt", "check passed", "locked out"])
def test_a_third_in_a_circle_sees_the_same_too(cast, name):
    circle = cast.circle()
    settled(circle)
    pass_the_check(circle, cast.ana, cast.cleo)
    talk = ask(cast, "understood", cast.ana, cast.jonas, cast.cleo, bond=circle)
    before = seen_by(cast.cleo, talk)
    CAUSES[name](cast, talk, cast.jonas)
    assert seen_by(cast.cleo, talk) == before


def test_the_comparison_can_fail(world):
    """A yes when it is time is a deliberate act, and shows."""
    cast, talk = world
    before = seen_by(cast.ana, talk)
    yes_too_early(cast, talk, cast.jonas)
    assert seen_by(cast.ana, talk) != before


# -- what is stored -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["passed", *CLOSING])
def test_one_row_under_the_own_key_is_written_and_alike_whatever_was_answered(world, name):
    cast, talk = world
    cast.jonas.client  # noqa: B018 - signed in before anything is counted
    before = tables()
    row_before = BondRow.objects.get(
        bond_id=cast.pair, member=cast.jonas.member, place=vault.Place.MEMBERSHIP_OPEN_FROM
    )
    cast.jonas.client.post(f"/b/{cast.pair}/talk/check/", {**(CLOSING.get(name) or PASSES), "next": talk.path})
    row = BondRow.objects.get(pk=row_before.pk)
    assert (row.revision, len(row.body)) == (row_before.revision + 1, len(row_before.body))
    assert row.KIND is vault.Kind.SELF and bytes(row.body) != bytes(row_before.body)
    after = tables()
    changed = {table for table in after if after[table] != before[table]}
    assert changed <= {"bonds_bondrow", "sealed_removal"}
    assert "bonds_bondrow" in changed and before["sealed_removal"] == after["sealed_removal"]
    same = {repr(line) for line in before["bonds_bondrow"]} & {repr(line) for line in after["bonds_bondrow"]}
    assert len(same) == len(before["bonds_bondrow"]) - 1 == len(after["bonds_bondrow"]) - 1
    kept = row.unseal(cast.jonas.keyring.self_key)
    assert set(kept) == {"after"} and len(kept["after"]) == 10


def test_what_was_half_answered_or_only_looked_at_writes_nothing(world):
    cast, talk = world
    cast.jonas.client  # noqa: B018
    before = tables()
    check_left(cast, talk, cast.jonas)
    check_half(cast, talk, cast.jonas)
    assert tables() == before


def test_every_membership_has_the_row_from_its_first_day(cast):
    """Founding, joining with the key in the invitation, being let in later, coming back: each under its owner's own key."""
    from closeknit.web.bonds import leaving
    from closeknit.web.moments import services as moments

    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    moments.answer_share(cast.ana.bond(circle), moment, "one")
    moments.answer_share(cast.jonas.bond(circle), moment, "two")
    cast.join(cast.ana, cast.eve, circle)
    cast.ana.bond(circle)
    cast.eve.bond(circle)
    leaving.bond_leave(cast.cleo.bond(circle))
    assert not BondRow.objects.filter(bond_id=circle, member=cast.cleo.member).exclude(place="membership.card").exists()
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    cast.join(cast.ana, cast.cleo, circle)
    cast.ana.bond(circle)
    for person in (cast.ana, cast.jonas, cast.eve, cast.cleo):
        person.bond(circle)
        row = BondRow.objects.get(bond_id=circle, member=person.member, place=vault.Place.MEMBERSHIP_OPEN_FROM)
        kept = row.unseal(person.keyring.self_key)
        assert not rule.is_open(datetime.fromisoformat(kept["after"]).date(), clock.now().date())
    assert not BondRow.objects.filter(place=vault.Place.MEMBERSHIP_OPEN_AFTER).exists()


def test_a_row_that_is_missing_is_made_at_the_next_visit(cast):
    BondRow.objects.filter(place=vault.Place.MEMBERSHIP_OPEN_FROM).delete()
    cast.jonas.client.get(f"/b/{cast.pair}/")
    assert BondRow.objects.get(place=vault.Place.MEMBERSHIP_OPEN_FROM).member_id == cast.jonas.member.pk


# -- what its owner sees ------------------------------------------------------------------------------------------------


def test_a_closed_check_starts_nothing_and_shows_the_way_to_help(world):
    cast, talk = world
    answer = cast.jonas.client.post(f"/b/{cast.pair}/talk/check/", {**CLOSING["afraid"], "next": talk.path})
    page = answer.content.decode()
    assert 'href="/care/"' in page and "nothing of what you answered was kept" in page
    assert "/talk/check/" in talk.post(cast.jonas, "accept").url
    assert cast.jonas.id not in talk.state().accepted


def test_an_asker_whose_own_check_is_closed_asks_nobody(cast):
    settled(cast.pair)
    start = start_of(cast.ana, cast.pair, "understood")
    for method in ("get", "post"):
        answer = getattr(cast.ana.client, method)(start, {"device": "each"})
        assert answer.url == f"/b/{cast.pair}/talk/check/?next={start}"
    cast.ana.client.post(f"/b/{cast.pair}/talk/check/", {**CLOSING["not free"], "next": start})
    assert cast.ana.client.post(start, {"device": "each"}).status_code == 302
    assert not Dialogue.objects.exists()
    assert cast.ana.client.get(start_of(cast.ana, cast.pair, "good-news")).status_code == 200, "lighter ones stay open"


def test_a_closed_check_can_be_passed_weeks_later_and_is_asked_again_after_thirty_days(world):
    cast, talk = world
    CAUSES["check closed: hurt"](cast, talk, cast.jonas)
    with clock.shifted(timedelta(days=21)):
        unlock(cast.ana, cast.jonas)
        pass_the_check(cast.pair, cast.ana)
        again = ask(cast, "understood")
        assert "/talk/check/" in again.post(cast.jonas, "accept").url
        passed_and_waits(cast, again, cast.jonas)
        assert "/talk/check/" not in again.post(cast.jonas, "accept").url
        again.post(cast.ana, "ready")
        again.post(cast.jonas, "ready")
        assert again.state().order
    with clock.shifted(timedelta(days=21 + 31)):
        unlock(cast.ana, cast.jonas)
        pass_the_check(cast.pair, cast.ana)
        third = ask(cast, "understood")
        assert "/talk/check/" in third.post(cast.jonas, "accept").url


def test_the_check_can_be_gone_through_at_any_time_and_leads_only_inside_the_bond(world):
    cast, _talk = world
    path = f"/b/{cast.pair}/talk/check/"
    for where in ("https://elsewhere.example/", "//elsewhere.example/", f"/b/{cast.elsewhere}/", "javascript:1", ""):
        answer = cast.jonas.client.post(path, {**PASSES, "next": where})
        assert answer.status_code == 302 and answer.url == f"/b/{cast.pair}/talk/"


def test_no_page_of_the_other_loads_the_row(world):
    cast, talk = world
    row = BondRow.objects.get(bond_id=cast.pair, member=cast.jonas.member, place=vault.Place.MEMBERSHIP_OPEN_FROM)
    bodies = []
    real = BondRow.unseal

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        bodies.append(self.pk)
        return real(self, *args, **kwargs)

    BondRow.unseal = watched  # type: ignore[method-assign]
    try:
        seen_by(cast.ana, talk)
    finally:
        BondRow.unseal = real  # type: ignore[method-assign]
    assert bodies and row.pk not in bodies


def test_feeling_unsafe_in_a_talk_leads_to_care_and_to_the_check_again(cast):
    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana, cast.jonas)
    talk = ask(cast, "understood").begin()
    talk.post(cast.jonas, "after", 409, safe="2")
    talk.post(cast.ana, "end")
    before = bare(talk.text(cast.ana))
    talk.post(cast.jonas, "after", safe="3", understood="9", line="breathe")
    assert "Would you like to look at Care?" in talk.text(cast.jonas)
    assert bare(talk.text(cast.ana)) == before
    assert gate.is_due(cast.jonas.bond(cast.pair)) and not gate.is_due(cast.ana.bond(cast.pair))
    talk.post(cast.ana, "after", safe="4")
    assert "look at Care" not in talk.text(cast.ana) and not gate.is_due(cast.ana.bond(cast.pair))


def test_the_day_is_in_no_copy_that_somebody_might_read_along(world):
    cast, _talk = world
    from closeknit.web.sealed.kinds import REGISTRY, Reading

    day = BondRow.objects.get(
        bond_id=cast.pair, member=cast.ana.member, place=vault.Place.MEMBERSHIP_OPEN_FROM
    ).unseal(cast.ana.keyring.self_key)["after"]
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    entries = [entry for kind in REGISTRY.values() if kind.export is not None for entry in kind.export(reading)]
    choices = [values for section, values in entries if section == "choices"]
    assert choices and all(values["place"] != "membership.open_from" for values in choices)
    assert day not in str(choices)


def test_how_worked_up_one_is_stays_with_oneself(world):
    cast, talk = world
    pass_the_check(cast.pair, cast.jonas)
    talk.post(cast.jonas, "accept")
    before = bare(talk.text(cast.ana))
    answer = cast.jonas.client.post(f"{talk.path}ready/", {"heat": "8"})
    assert answer.status_code == 200 and "rather a lot" in answer.content.decode()
    assert bare(talk.text(cast.ana)) == before and cast.jonas.id not in talk.state().ready
    talk.post(cast.jonas, "ready", heat="8", anyway="on")
    assert cast.jonas.id in talk.state().ready
    own = DialogueOwn.objects.get(member=cast.jonas.member, dialogue=talk.id)
    assert own.unseal(cast.jonas.keyring.self_key)["heat"] == 8
    # Nothing is chosen on her own form but the dash.
    assert re.findall(r'<option value="(\d*)" selected', talk.text(cast.ana)) in ([], [""])


def test_a_talk_that_opens_later_says_so_in_one_sentence_to_everyone(cast):
    """The cool-down: the same words as for every other cause, for asker and asked."""
    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana, cast.jonas)
    ask(cast, "understood").begin().post(cast.ana, "end")
    with clock.shifted(timedelta(minutes=5)):
        talk = ask(cast, "understood")
        talk.post(cast.jonas, "accept")
        for person in talk.people:
            assert "This is not open right now. Here is something lighter." in talk.text(person)
            talk.post(person, "ready", 409)
    with clock.shifted(timedelta(hours=3, minutes=5)):
        cast.ana.client.post("/unlock/", {"passphrase": PASSPHRASE})
        cast.jonas.client.post("/unlock/", {"passphrase": PASSPHRASE})
        for person in talk.people:
            talk.post(person, "ready")
        assert talk.state().order
    assert Bond.objects.get(pk=cast.pair).opened_together
