"""People come and go, and take their words along."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import TestCase

from closeknit import vault
from closeknit.method import moment as machine
from closeknit.web import clock, live, tasks
from closeknit.web.bonds import decisions, erasing, leaving, private, renewing
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, BondKey, BondRow, Event, Item, Membership, PrivateWord, Wrap
from closeknit.web.bonds.store import Stale
from closeknit.web.members.models import Member, OwnSession
from closeknit.web.moments import queries
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment, OwnPrompt
from tests.http import PASSPHRASE

pytestmark = pytest.mark.django_db


def page_of(person, bond_id, moment_id):
    opened = person.bond(bond_id)
    glance = queries.moment_glance(opened, moment_id)
    return None if glance is None else queries.moment_page(opened, glance, {})


def texts(person, bond_id, moment_id):
    page = page_of(person, bond_id, moment_id)
    found = [answer.text for answer in page.answers]
    return sorted(found + ([page.mine.text] if page.mine else []))


def kept(person):
    return {(word.text, word.kind, word.bond) for word in private.words_read(person.member.pk, person.keyring)[0]}


def go_vote(voter, bond_id, who):
    """Say yes to somebody going; what came of it."""
    opened = voter.bond(bond_id)
    return decisions.votes_write(opened, decisions.Votes(go=frozenset({opened.person(who.id).membership})))


def rejoin(cast, inviter, newcomer, bond_id):
    """Invited again, and let in."""
    inviter.client.post(f"/b/{bond_id}/pause/", {"do": "back"})
    cast.join(inviter, newcomer, bond_id)
    inviter.client.get(f"/b/{bond_id}/")
    assert newcomer.bond(bond_id).is_in


def confirmed(person):
    person.client.post("/confirm/", {"passphrase": PASSPHRASE})
    return person.client


# -- leaving ----------------------------------------------------------------------------------------------------------


def test_leaving_takes_three_taps_and_takes_the_words_along(cast):
    first = cast.first_moment(cast.ana).id
    cast.both_answer(first, "Ana stays", "Jonas goes")
    machine_state = moments.words_say
    moments.answer_event(
        cast.jonas.bond(cast.pair),
        first,
        machine.Event.responded(cast.jonas.id, cast.ana.id, machine.Choice.THANKS),
    )
    machine_state(cast.jonas.bond(cast.pair), first, cast.ana.id, "words beneath")
    client = cast.jonas.client
    asked = client.get(f"/b/{cast.pair}/go/")
    assert asked.url.startswith("/confirm/")
    assert client.post("/confirm/", {"passphrase": PASSPHRASE, "next": f"/b/{cast.pair}/go/"}).url.endswith("/go/")
    assert "2 texts of yours" in client.get(f"/b/{cast.pair}/go/").content.decode()
    assert client.post(f"/b/{cast.pair}/go/").url == "/you/went/"
    assert client.get("/you/went/").status_code == 200
    assert client.get(f"/b/{cast.pair}/").status_code == 404
    assert kept(cast.jonas) == {("Jonas goes", "words", "Ana & Jonas"), ("words beneath", "words", "Ana & Jonas")}
    assert texts(cast.ana, cast.pair, first) == ["Ana stays"]
    page = cast.ana.client.get(f"/b/{cast.pair}/m/{first}/").content.decode()
    assert "Jonas goes" not in page and "words beneath" not in page and "t-woad" not in page
    us = cast.ana.client.get(f"/b/{cast.pair}/us/").content.decode()
    assert "Someone left" in us
    assert not BondKey.objects.filter(member=cast.jonas.member).exists()
    assert not Wrap.objects.filter(item__author=cast.jonas.member, target="bond").exists()


def test_where_words_stay_they_stay_readable_and_their_author_keeps_a_copy(cast):
    circle = cast.circle()
    moment = moments.moment_open(cast.ana.bond(circle), {"text": "A question"}).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    later = moments.moment_open(cast.ana.bond(circle), {"text": "Another question"}).id
    moments.answer_share(cast.jonas.bond(circle), later, "never shown")
    leaving.bond_leave(cast.jonas.bond(circle))
    assert texts(cast.ana, circle, moment) == ["Ana wrote", "Cleo wrote", "Jonas wrote"]
    page = page_of(cast.ana, circle, moment)
    assert {answer.person.name for answer in page.answers} == {"Jonas", "Cleo"}
    assert {text for text, _kind, _bond in kept(cast.jonas)} == {"Jonas wrote", "never shown"}
    assert page_of(cast.cleo, circle, later).view.some_have_answered is False
    assert not Wrap.objects.filter(item__stream=later, target="bond").exists()


def test_what_is_half_under_way_ends_kindly(cast):
    """In a circle nobody waits for who went; what they had not shown is gone from the chain's pages without a mark."""
    circle = cast.circle()
    opened = cast.ana.bond(circle)
    moment = moments.moment_open(opened, {"text": "Who takes part?"}).id
    moments.answer_event(cast.jonas.bond(circle), moment, machine.Event.taking_part(cast.jonas.id))
    moments.answer_event(cast.cleo.bond(circle), moment, machine.Event.taking_part(cast.cleo.id))
    moments.answer_share(cast.ana.bond(circle), moment, "Ana here")
    moments.answer_share(cast.cleo.bond(circle), moment, "Cleo here")
    assert texts(cast.ana, circle, moment) == ["Ana here"]
    leaving.bond_leave(cast.jonas.bond(circle))
    assert Moment.objects.get(pk=moment).revealed_at is not None
    assert texts(cast.ana, circle, moment) == ["Ana here", "Cleo here"] == texts(cast.cleo, circle, moment)


def test_the_next_key_is_made_by_who_remains_and_never_reaches_who_left(cast):
    circle = cast.circle()
    jonas_before = cast.jonas.bond(circle)
    leaving.bond_leave(jonas_before)
    bond = Bond.objects.get(pk=circle)
    assert bond.stale and bond.epoch == jonas_before.epoch
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    bond.refresh_from_db()
    assert not bond.stale and bond.epoch == jonas_before.epoch + 1
    after = moments.moment_open(cast.ana.bond(circle), {"text": "After"})
    with pytest.raises(KeyError):
        after.unseal(jonas_before.keys[vault.parse(after.body).epoch])
    moments.answer_share(cast.cleo.bond(circle), after.id, "Cleo has the new key")
    assert texts(cast.cleo, circle, after.id) == ["Cleo has the new key"]
    for row in BondRow.objects.filter(bond=bond):
        if row.KIND is vault.Kind.BOND:
            assert vault.parse(row.body).epoch == bond.epoch, row.place


def test_an_answer_not_yet_shown_moves_to_the_new_key(cast):
    circle = cast.circle()
    moment = moments.moment_open(cast.ana.bond(circle), {"text": "Slow one"}).id
    moments.answer_share(cast.cleo.bond(circle), moment, "Cleo waits")
    leaving.bond_leave(cast.jonas.bond(circle))
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    old = Wrap.objects.get(item__stream=moment, target="bond").epoch
    cast.cleo.client.get(f"/b/{circle}/")
    assert Wrap.objects.get(item__stream=moment, target="bond").epoch == old + 1
    moments.answer_share(cast.ana.bond(circle), moment, "Ana too")
    assert texts(cast.ana, circle, moment) == ["Ana too", "Cleo waits"]


def test_coming_back_is_a_new_beginning(cast):
    first = cast.first_moment(cast.ana).id
    cast.both_answer(first, "Ana then", "Jonas then")
    leaving.bond_leave(cast.jonas.bond(cast.pair))
    cast.ana.client.post(f"/b/{cast.pair}/pause/", {"do": "back"})
    cast.join(cast.ana, cast.jonas, cast.pair)
    cast.ana.client.get(f"/b/{cast.pair}/")
    assert cast.jonas.client.get(f"/b/{cast.pair}/m/{first}/").status_code == 404
    assert texts(cast.ana, cast.pair, first) == ["Ana then"]
    new = moments.moment_open(cast.ana.bond(cast.pair), {"text": "Now"}).id
    cast.both_answer(new, "Ana now", "Jonas now")
    assert texts(cast.jonas, cast.pair, new) == ["Ana now", "Jonas now"]
    assert len(kept(cast.jonas)) == 1


def circle_with_words(cast):
    """A circle in which all have answered and words stay; (its id, the moment's)."""
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    return circle, moment


def test_words_that_stayed_still_stay_when_their_author_comes_back(cast):
    circle, moment = circle_with_words(cast)
    leaving.bond_leave(cast.cleo.bond(circle))
    rejoin(cast, cast.ana, cast.cleo, circle)
    assert texts(cast.ana, circle, moment) == ["Ana wrote", "Cleo wrote", "Jonas wrote"]
    assert cast.cleo.client.get(f"/b/{circle}/m/{moment}/").status_code == 404, "a new beginning for Cleo"


def test_who_left_hears_of_nothing_any_more(cast, monkeypatch):
    circle, moment = circle_with_words(cast)
    leaving.bond_leave(cast.jonas.bond(circle))
    poked = set()
    monkeypatch.setattr(live, "poke", lambda members, *_about: poked.update(members))
    thanks = machine.Event.responded(cast.ana.id, cast.cleo.id, machine.Choice.THANKS)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    cast.cleo.bond(circle)
    with TestCase.captureOnCommitCallbacks(execute=True):
        moments.answer_event(cast.ana.bond(circle), moment, thanks)
    assert poked == {cast.cleo.member.pk}


def test_who_came_back_is_named_among_what_changed(cast):
    circle, _moment = circle_with_words(cast)
    leaving.bond_leave(cast.cleo.bond(circle))
    rejoin(cast, cast.ana, cast.cleo, circle)
    verbs = [(change.verb, change.person.name) for change in bonds.changes(cast.jonas.bond(circle))]
    assert verbs[:2] == [("joined", "Cleo"), ("left", "Cleo")]


@pytest.mark.parametrize("by_others", [False, True])
def test_going_a_second_time_works_and_takes_each_word_along_once(cast, by_others):
    circle, _moment = circle_with_words(cast)
    leaving.bond_leave(cast.cleo.bond(circle))
    rejoin(cast, cast.ana, cast.cleo, circle)
    new = moments.moment_open(cast.ana.bond(circle), {"text": "Now"}).id
    moments.answer_share(cast.cleo.bond(circle), new, "Cleo again")
    if by_others:
        assert (go_vote(cast.ana, circle, cast.cleo), go_vote(cast.jonas, circle, cast.cleo)) == ("", "removed")
        assert cast.cleo.client.get("/you/words/").status_code == 200
    else:
        assert confirmed(cast.cleo).post(f"/b/{circle}/go/").url == "/you/went/"
    assert sorted(word.text for word in private.words_read(cast.cleo.member.pk, cast.cleo.keyring)[0]) == [
        "Cleo again",
        "Cleo wrote",
    ]
    assert not BondKey.objects.filter(bond_id=circle, member=cast.cleo.member).exists()


def test_who_was_asked_to_go_and_comes_by_only_to_join_again_is_let_in(cast):
    circle, _moment = circle_with_words(cast)
    assert (go_vote(cast.ana, circle, cast.cleo), go_vote(cast.jonas, circle, cast.cleo)) == ("", "removed")
    rejoin(cast, cast.ana, cast.cleo, circle)
    assert {text for text, _kind, _bond in kept(cast.cleo)} == {"Cleo wrote"}


@pytest.mark.parametrize("rule", ["leave", "stay"])
def test_two_pages_opened_at_once_after_being_asked_to_go_take_words_along_once(cast, monkeypatch, rule):
    """The second has seen that keys are left, and waits for the bond's row until the first is done."""
    circle = bonds.bond_create(
        cast.ana.member, cast.ana.keyring, kind="circle", leave_rule=rule, name="C", own_name="Ana", thread="madder"
    ).id
    cast.join(cast.ana, cast.jonas, circle)
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote")
    for person in (cast.ana, cast.jonas):
        decisions.votes_write(person.bond(circle), decisions.Votes(end=True))
    reopened, me = leaving._reopened, (cast.jonas.member.pk, cast.jonas.keyring)

    def after_the_first(bond, member_id, keyring):
        monkeypatch.setattr(leaving, "_reopened", reopened)
        leaving.take_along_all(member_id, keyring)
        return reopened(bond, member_id, keyring)

    monkeypatch.setattr(leaving, "_reopened", after_the_first)
    leaving.take_along_all(*me)
    leaving.take_along_all(*me)
    assert [word.text for word in private.words_read(*me)[0]] == ["Jonas wrote"]


def test_an_old_yes_to_somebodys_going_does_not_follow_them_back_in(cast):
    circle, _moment = circle_with_words(cast)
    assert (go_vote(cast.ana, circle, cast.cleo), go_vote(cast.jonas, circle, cast.cleo)) == ("", "removed")
    rejoin(cast, cast.ana, cast.cleo, circle)
    assert " checked" not in confirmed(cast.jonas).get(f"/b/{circle}/together/").content.decode()
    assert go_vote(cast.jonas, circle, cast.cleo) == "", "Ana's yes was about another time"


@pytest.mark.parametrize("rule", ["leave", "stay"])
def test_whoever_is_asked_to_go_takes_their_own_prompts_along(cast, rule):
    """Also after the others' next key, which their prompts were sealed under anew."""
    circle = bonds.bond_create(
        cast.ana.member, cast.ana.keyring, kind="circle", leave_rule=rule, name="C", own_name="Ana", thread="madder"
    ).id
    cast.join(cast.ana, cast.jonas, circle)
    cast.join(cast.ana, cast.cleo, circle)
    moments.own_prompt_write(cast.cleo.bond(circle), "Where do you hide?")
    kept_prompt, gone_prompt = {"Where do you hide?"}, set()
    assert (go_vote(cast.ana, circle, cast.cleo), go_vote(cast.jonas, circle, cast.cleo)) == ("", "removed")
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert cast.cleo.client.get("/you/words/").status_code == 200
    assert {(text, kind) for text, kind, _bond in kept(cast.cleo)} >= {("Where do you hide?", "prompt")}
    left = {text for _row, text, _person in queries.own_prompts(cast.jonas.bond(circle))}
    assert left == (kept_prompt if rule == "stay" else gone_prompt)


def test_a_prompt_taken_back_leaves_no_copy(cast):
    own = moments.own_prompt_write(cast.ana.bond(cast.pair), "Not after all?")
    cast.ana.client.post(f"/b/{cast.pair}/prompts/{own.id}/delete/")
    assert not Item.objects.filter(pk=own.id).exists() and not OwnPrompt.objects.exists()


def test_where_nobody_is_left_nothing_of_anybodys_lies_about(cast):
    circle, _moment = circle_with_words(cast)
    for person in (cast.cleo, cast.jonas, cast.ana):
        leaving.bond_leave(person.bond(circle))
    assert not Item.objects.filter(private_word__isnull=True, author=cast.cleo.member).exists()
    assert {text for text, _kind, _bond in kept(cast.cleo)} == {"Cleo wrote"}


def test_whoever_is_in_no_bond_any_longer_finds_their_account(cast):
    leaving.bond_leave(cast.jonas.bond(cast.pair))
    for path in ("/you/went/", "/bonds/new/", "/you/words/", "/you/", "/care/", "/care/two-weeks/"):
        assert 'class="tabs"' in (page := cast.jonas.client.get(path).content.decode()), path
        assert 'href="/you/"' in page


def test_drafts_and_prompts_of_ones_own_come_along(cast):
    first = cast.first_moment(cast.ana).id
    moments.draft_write(cast.jonas.bond(cast.pair), Moment.objects.get(pk=first), "half a thought")
    own = moments.own_prompt_write(cast.jonas.bond(cast.pair), "A prompt by Jonas?")
    assert cast.ana.client.post(f"/b/{cast.pair}/prompts/{own.id}/open/").status_code == 302
    opened_id = cast.ana.client.post(f"/b/{cast.pair}/prompts/{own.id}/open/").url.split("/")[-2]
    assert "A prompt by Jonas?" in cast.ana.client.get(f"/b/{cast.pair}/m/{opened_id}/").content.decode()
    leaving.bond_leave(cast.jonas.bond(cast.pair))
    assert {text for text, _kind, _bond in kept(cast.jonas)} == {"half a thought", "A prompt by Jonas?"}
    page = cast.ana.client.get(f"/b/{cast.pair}/m/{opened_id}/").content.decode()
    assert "A prompt by Jonas?" not in page and "its author took back" in page
    assert not OwnPrompt.objects.exists()


def test_the_last_one_out_closes_the_bond(cast):
    leaving.bond_leave(cast.jonas.bond(cast.pair))
    leaving.bond_leave(cast.ana.bond(cast.pair))
    assert not Bond.objects.filter(pk=cast.pair).exists() and not Event.objects.filter(bond_id=cast.pair).exists()


def test_leaving_before_being_let_in(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle)
    for person in (cast.ana, cast.jonas):
        moments.answer_share(person.bond(circle), moment.id, "words", rule=machine.Rule.TWO)
    opened = cast.ana.bond(circle)
    invitation, secret = bonds.invitation_create(opened)
    eve = cast.eve
    bonds.invitation_accept(eve.member, eve.keyring, invitation.id, secret, name="Eve", thread="moss")
    client = confirmed(eve)
    assert client.post(f"/b/{circle}/go/").url == "/you/went/"
    cast.ana.client.get(f"/b/{circle}/")
    assert not BondKey.objects.filter(bond_id=circle, member=eve.member).exists()
    assert {p.name for p in cast.ana.bond(circle).people} == {"Ana", "Jonas", "Cleo"}


def test_whoever_was_invited_by_someone_who_left_is_not_left_hanging(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle)
    for person in (cast.ana, cast.jonas):
        moments.answer_share(person.bond(circle), moment.id, "words", rule=machine.Rule.TWO)
    ana_holds = cast.ana.bond(circle)
    invitation, secret = bonds.invitation_create(ana_holds)
    eve = cast.eve
    bonds.invitation_accept(eve.member, eve.keyring, invitation.id, secret, name="Eve", thread="moss")
    leaving.bond_leave(ana_holds)
    assert not Membership.objects.filter(bond_id=circle, member=eve.member, ended_at__isnull=True).exists()
    assert eve.client.get(f"/b/{circle}/").status_code == 404


# -- deciding together --------------------------------------------------------------------------------------------------


def test_all_others_together_let_someone_go_and_nobody_sees_it_coming(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)

    def pages(person):
        import re

        return [
            re.sub(r'nonce="[^"]*"|csrfmiddlewaretoken" value="[^"]*"|data-version="\d+"', "", page.content.decode())
            for page in (person.client.get(f"/b/{circle}/{path}") for path in ("", "us/", "thread/"))
        ]

    before = [pages(person) for person in (cast.jonas, cast.cleo)]
    answer = confirmed(cast.ana).post(f"/b/{circle}/together/", {"go": [cast.cleo.id]})
    assert answer.url == f"/b/{circle}/us/"
    assert [pages(person) for person in (cast.jonas, cast.cleo)] == before
    assert go_vote(cast.jonas, circle, cast.cleo) == "removed"
    assert cast.cleo.client.get(f"/b/{circle}/").status_code == 404
    assert {text for text, _kind, _bond in kept(cast.cleo)} == {"Cleo wrote"}
    assert not BondKey.objects.filter(bond_id=circle, member=cast.cleo.member).exists()
    assert texts(cast.ana, circle, moment) == ["Ana wrote", "Cleo wrote", "Jonas wrote"], "agreed: words stay"


def test_two_cannot_remove_each_other_and_nobody_themselves(cast):
    opened = cast.ana.bond(cast.pair)
    votes = decisions.Votes(go=frozenset(person.membership for person in opened.people))
    assert decisions.votes_write(opened, votes) == ""
    assert decisions.my_votes(cast.ana.bond(cast.pair)).go == frozenset()
    assert cast.jonas.client.get(f"/b/{cast.pair}/").status_code == 200


def test_an_end_for_all_needs_all_and_gives_every_word_back(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    end = decisions.Votes(end=True)
    assert decisions.votes_write(cast.ana.bond(circle), end) == ""
    assert decisions.votes_write(cast.jonas.bond(circle), end) == ""
    assert cast.cleo.client.get(f"/b/{circle}/").status_code == 200
    assert decisions.votes_write(cast.cleo.bond(circle), end) == "ended"
    assert not Wrap.objects.filter(item__stream=moment, target="bond").exists()
    for person in (cast.ana, cast.jonas, cast.cleo):
        assert person.client.get(f"/b/{circle}/").status_code == 404
        assert (f"{person.name} wrote", "words", "Sunday table") in kept(person)
    assert not Bond.objects.filter(pk=circle).exists()


# -- resting and blocking ---------------------------------------------------------------------------------------------


def test_resting_shows_to_nobody_unless_its_owner_lets_it(cast):
    import re

    def us(person):
        page = person.client.get(f"/b/{cast.pair}/us/").content.decode()
        return re.sub(r'nonce="[^"]*"|csrfmiddlewaretoken" value="[^"]*"', "", page)

    before = us(cast.ana)
    cast.jonas.client.post(f"/b/{cast.pair}/pause/", {"do": "rest"})
    assert us(cast.ana) == before
    today = cast.jonas.client.get(f"/b/{cast.pair}/").content.decode()
    assert "You are resting here" in today and "data-live" not in today
    cast.jonas.client.post(f"/b/{cast.pair}/pause/", {"do": "rest", "openly": "yes"})
    assert "resting" in us(cast.ana)
    cast.jonas.client.post("/you/pause/", {"do": "rest"})
    assert us(cast.ana) == before, "resting everywhere is seen by nobody, whatever was shown before"
    cast.jonas.client.post(f"/b/{cast.pair}/pause/", {"do": "back"})
    assert us(cast.ana) == before
    assert "You are resting here" not in cast.jonas.client.get(f"/b/{cast.pair}/").content.decode()
    cast.jonas.client.post("/you/pause/", {"do": "rest"})
    assert "You are resting here" in cast.jonas.client.get(f"/b/{cast.pair}/").content.decode()
    assert us(cast.ana) == before


def test_a_blocked_inviter_stays_blocked_until_one_changes_ones_mind(cast):
    opened = cast.eve.bond(cast.elsewhere)
    invitation, secret = bonds.invitation_create(opened)
    client = cast.cleo.client
    client.post(f"/join/{invitation.id}/", {"secret": bonds.invitation_words(secret)})
    assert client.post(f"/join/{invitation.id}/decline/", {"block": "yes"}).status_code == 200
    with clock.shifted(timedelta(minutes=1)):
        second, secret = bonds.invitation_create(opened)
        with clock.shifted(timedelta(days=6)), pytest.raises(bonds.InvitationOver):
            bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, second.id, secret, name="C", thread="plum")
    assert "Eve" in client.get("/you/blocked/").content.decode()
    id_, name = bonds.blocked(cast.cleo.member, cast.cleo.keyring)[0]
    assert name == "Eve"
    client.post("/you/blocked/", {"id": str(id_)})
    third, secret = bonds.invitation_create(opened)
    bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, third.id, secret, name="C", thread="plum")


def test_a_no_says_what_it_does(cast):
    def say_no(person, **values):
        invitation, secret = bonds.invitation_create(cast.eve.bond(cast.elsewhere))
        person.client.post(f"/join/{invitation.id}/", {"secret": bonds.invitation_words(secret)})
        return person.client.post(f"/join/{invitation.id}/decline/", values).content.decode()

    rests, blocked = say_no(cast.cleo), say_no(cast.jonas, block="yes")
    assert "rest for 30 days" in rests and "a new invitation opens" not in rests + blocked
    assert "opens for you any more" in blocked and 'href="/you/blocked/"' in blocked


@pytest.mark.parametrize("late", ["decline", "expire"])
def test_a_yes_is_not_undone_by_what_was_begun_before_it(cast, monkeypatch, late):
    """Two people with one link, or the job that ends invitations: whoever comes second finds it taken up."""
    invitation, secret = bonds.invitation_create(cast.eve.bond(cast.elsewhere))

    def say_yes():
        name = {"name": "Cleo", "thread": "plum"}
        bonds.invitation_accept(cast.cleo.member, cast.cleo.keyring, invitation.id, secret, **name)

    if late == "decline":
        opened = bonds.invitation_open

        def and_then_a_yes(*args):
            found = opened(*args)
            monkeypatch.setattr(bonds, "invitation_open", opened)
            say_yes()
            return found

        monkeypatch.setattr(bonds, "invitation_open", and_then_a_yes)
        with pytest.raises(bonds.InvitationOver):
            bonds.invitation_decline(invitation.id, secret, cast.jonas.member, cast.jonas.keyring)
    else:
        held = Bond.objects.select_for_update
        real = clock.now

        def after_a_yes():
            monkeypatch.undo()
            say_yes()
            monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=8))
            return held()

        monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=8))
        monkeypatch.setattr(Bond.objects, "select_for_update", after_a_yes)
        assert bonds.invitations_expire() == 0
    invitation.refresh_from_db()
    assert invitation.state in {"accepted", "done"} and invitation.newcomer_id == cast.cleo.member.pk


# -- strict reveal ------------------------------------------------------------------------------------------------------


def test_strict_reveal_hands_over_only_when_all_have_answered_and_come_by(cast):
    assert cast.jonas.client.post(f"/b/{cast.pair}/strict/").status_code == 302
    assert "turned strict reveal on" in cast.ana.client.get(f"/b/{cast.pair}/us/").content.decode()
    moment = moments.moment_open(cast.ana.bond(cast.pair), {"text": "Strictly"}).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "Ana's own")
    assert not Wrap.objects.filter(item__stream=moment, target="bond").exists()
    moments.answer_share(cast.jonas.bond(cast.pair), moment, "Jonas's own")
    assert Wrap.objects.filter(item__stream=moment, target="bond").count() == 1, "the last one hands over at once"
    assert texts(cast.jonas, cast.pair, moment) == ["Jonas's own"]
    page = cast.ana.client.get(f"/b/{cast.pair}/m/{moment}/").content.decode()
    assert "Jonas&#x27;s own" in page, "coming by hands over, and it opens"
    assert texts(cast.jonas, cast.pair, moment) == ["Ana's own", "Jonas's own"]


def test_a_hand_over_that_lapses_is_taken_back(cast):
    decisions.strict_on(cast.ana.bond(cast.pair))
    moment = moments.moment_open(cast.ana.bond(cast.pair), {"text": "Strictly"}).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "Ana's own")
    moments.answer_share(cast.jonas.bond(cast.pair), moment, "Jonas's own")
    moments.answer_withdraw(cast.ana.bond(cast.pair), moment)
    assert not Wrap.objects.filter(item__stream=moment, target="bond").exists()


def test_only_all_turn_strict_reveal_off(cast):
    decisions.strict_on(cast.ana.bond(cast.pair))
    loosen = decisions.Votes(loosen=True)
    assert decisions.votes_write(cast.ana.bond(cast.pair), loosen) == ""
    assert cast.jonas.bond(cast.pair).strict
    assert decisions.votes_write(cast.jonas.bond(cast.pair), loosen) == "loosened"
    assert not cast.ana.bond(cast.pair).strict
    decisions.strict_on(cast.ana.bond(cast.pair))
    assert decisions.my_votes(cast.jonas.bond(cast.pair)).loosen is False, "an old yes does not count twice"


# -- new keys -------------------------------------------------------------------------------------------------------------


def test_new_keys_void_everything_old_and_mates_compare_before_they_trust_them(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    jonas, old, old_kit = cast.jonas, cast.jonas.keyring, cast.jonas.kit
    moments.draft_write(jonas.bond(cast.pair), Moment.objects.get(pk=cast.first_moment(jonas).id), "a draft of mine")
    client = confirmed(jonas)
    from django.test import Client

    other_device = Client()
    other_device.post("/sign-in/", {"login": "jonas", "password": PASSPHRASE})
    epochs = dict(Bond.objects.values_list("pk", "epoch"))
    answer = client.post("/you/keys/", {"new_passphrase": "seven herons over the weir"})
    assert answer.url == "/kit/", answer.content.decode()
    for bond_id in (circle, cast.pair):
        assert Bond.objects.get(pk=bond_id).epoch == epochs[bond_id] + 1, "the old secret opens nothing that comes now"
        assert cast.ana.bond(bond_id).is_in
    assert other_device.get("/you/").status_code == 302
    assert OwnSession.objects.filter(member=jonas.member).count() == 1, "every other session has ended"
    assert client.get(f"/b/{circle}/m/{moment}/").status_code == 200
    from closeknit.web.members import services as members

    jonas.member.refresh_from_db()
    with pytest.raises(vault.DoesNotOpen):
        members.secret_open_with_passphrase(jonas.member, PASSPHRASE)
    with pytest.raises(vault.DoesNotOpen):
        members.secret_open_with_kit(jonas.member, old_kit)
    jonas.keyring = members.secret_open_with_passphrase(jonas.member, "seven herons over the weir")
    assert jonas.keyring.box.public != old.box.public
    assert texts(jonas, circle, moment) == ["Ana wrote", "Cleo wrote", "Jonas wrote"]
    opened = jonas.bond(cast.pair)
    drafts = queries.drafts_of(opened, [cast.first_moment(jonas).id])
    assert [one["text"] for one in drafts.values()] == ["a draft of mine"]
    # Nothing of his lies under the old self key any more.
    from closeknit.web.sealed.kinds import REGISTRY

    for kind in REGISTRY.values():
        if kind.reseal is not None:
            kind.reseal(jonas.member, jonas.keyring.self_key, jonas.keyring.self_key)

    # Ana is shown the change, and makes no key for him until they compared.
    us = cast.ana.client.get(f"/b/{circle}/us/").content.decode()
    assert "Jonas has new keys" in us
    Bond.objects.filter(pk=circle).update(stale=True)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert not jonas.bond(circle).is_in
    hers = confirmed(cast.ana).get(f"/b/{circle}/words/{jonas.id}/").context["words"]
    his = confirmed_with(jonas, client, "seven herons over the weir", circle, cast.ana.id)
    assert hers == his and len(hers) == 6
    assert cast.ana.client.post(f"/b/{circle}/words/{jonas.id}/", {"words": "-".join(hers)}).status_code == 302
    assert jonas.bond(circle).is_in
    # Cleo, who has not compared, goes on with everyone.
    Bond.objects.filter(pk=circle).update(stale=True)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert cast.cleo.bond(circle).is_in and jonas.bond(circle).is_in


def test_leaving_needs_no_present_key(cast):
    """His keys are new, nobody compared words, and the others have made a key since: he goes all the same."""
    circle, _moment = circle_with_words(cast)
    moments.own_prompt_write(cast.jonas.bond(circle), "Where is the map?")
    keyring, _kit = renewing.keys_renew(cast.jonas.member, cast.jonas.keyring, "seven herons over the weir")
    cast.jonas.keyring = keyring
    Bond.objects.filter(pk=circle).update(stale=True)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    opened = cast.jonas.bond(circle)
    assert not opened.is_in
    leaving.bond_leave(opened)
    assert {text for text, _kind, _bond in kept(cast.jonas)} == {"Jonas wrote", "Where is the map?"}
    assert {person.name for person in cast.ana.bond(circle).people} == {"Ana", "Cleo"}


def confirmed_with(person, client, passphrase, bond_id, member_id):
    client.post("/confirm/", {"passphrase": passphrase})
    path = f"/b/{bond_id}/words/{member_id}/"
    answer = client.get(path)
    if answer.status_code == 302:  # he is not let in at the moment: the words need only the two public keys
        answer = client.get(path)
    if answer.status_code == 404:
        from closeknit.web.members.strength import word_list

        ana = Member.objects.get(pk=member_id)
        return vault.compare_words(person.keyring.box.public, bytes(ana.public_key), word_list())
    return answer.context["words"]


def test_a_swapped_key_in_the_database_is_noticed_refused_and_explained(cast):
    planted = vault.Keyring(vault.Key.new())
    Member.objects.filter(pk=cast.jonas.member.pk).update(public_key=planted.box.public)
    us = cast.ana.client.get(f"/b/{cast.pair}/us/").content.decode()
    assert "Jonas has new keys" in us and "Compare six words" in us
    Bond.objects.filter(pk=cast.pair).update(stale=True)
    cast.ana.client.post(f"/b/{cast.pair}/pause/", {"do": "back"})
    from closeknit.web.bonds.models import Grant

    assert not Grant.objects.filter(recipient=cast.jonas.member).exists()
    own = cast.jonas.client.get("/you/")
    assert own.status_code == 200


# -- deleting an account --------------------------------------------------------------------------------------------------


def everything() -> bytes:
    found = []
    for model in apps.get_models():
        if model._meta.label == "sealed.Removal":
            continue  # the journal: ids of what was erased, so that a restored backup can erase it again
        for row in model._default_manager.all().values():
            found.append(json.dumps({k: (v.hex() if isinstance(v, bytes) else str(v)) for k, v in row.items()}))
    return "\n".join(found).encode()


def test_a_deleted_account_is_found_nowhere(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas, cast.cleo):
        moments.answer_share(person.bond(circle), moment, f"{person.name} wrote", rule=machine.Rule.TWO)
    own = Item.objects.get(author=cast.jonas.member, stream=moment)
    envelope = bytes(own.body)
    Bond.objects.filter(pk=circle).update(stale=True)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert cast.jonas.bond(circle).is_in and cast.cleo.bond(circle).is_in, "his key is in a roster now"
    client = confirmed(cast.jonas)
    page = client.get("/you/delete/").content.decode()
    assert "Sunday table" in page and "takes yours away all the same" in page
    assert client.post("/you/delete/", {"do": "ask"}).status_code == 302
    assert "Your account is deleted on" in client.get("/you/").content.decode()
    with clock.shifted(timedelta(days=6)):
        tasks.tidy()
    assert Member.objects.filter(pk=cast.jonas.member.pk).exists()
    client.post("/you/keep/")
    with clock.shifted(timedelta(days=9)):
        tasks.tidy()
    cast.jonas.member.refresh_from_db()
    assert cast.jonas.member.erase_at is None
    confirmed(cast.jonas).post("/you/delete/", {"do": "ask"})
    with clock.shifted(timedelta(days=8)):
        tasks.tidy()
    left = everything()
    for trace in (cast.jonas.id.encode(), b"jonas", envelope.hex().encode()):
        assert trace not in left, trace
    assert cast.jonas.id not in {session.get_decoded().get("_auth_user_id") for session in Session.objects.all()}
    assert texts(cast.ana, circle, moment) == ["Ana wrote", "Cleo wrote"]
    assert cast.ana.client.get(f"/b/{circle}/us/").status_code == 200
    # The others go on: the next key is made, and everyone who remains gets it.
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert cast.cleo.bond(circle).is_in


def test_skipping_the_seven_days_takes_a_second_yes(cast):
    client = confirmed(cast.jonas)
    client.post("/you/delete/", {"do": "now"})
    assert Member.objects.filter(pk=cast.jonas.member.pk).exists()
    cast.jonas.member.refresh_from_db()
    assert cast.jonas.member.erase_at is None, "half a yes asks for nothing"
    assert "every word of yours are deleted" in client.post("/you/delete/", {"do": "now", "sure": "yes"}).content.decode()
    assert not Member.objects.filter(pk=cast.jonas.member.pk).exists()
    assert client.get("/you/").status_code == 302


def test_asking_twice_does_not_put_the_day_off_and_the_day_is_its_owner_s(cast):
    client = confirmed(cast.jonas)
    settings_of(cast.jonas, zone="Pacific/Kiritimati")
    client.post("/you/delete/", {"do": "ask"})
    cast.jonas.member.refresh_from_db()
    asked = cast.jonas.member.erase_at
    with clock.shifted(timedelta(minutes=3)):
        client.post("/you/delete/", {"do": "ask"})
    cast.jonas.member.refresh_from_db()
    assert cast.jonas.member.erase_at == asked
    Member.objects.filter(pk=cast.jonas.member.pk).update(erase_at=datetime(2031, 5, 1, 15, tzinfo=UTC))
    assert "deleted on 2 May" in client.get("/you/").content.decode()
    assert client.get("/you/delete/").content.decode().count("deleted on 2 May") == 1


def test_one_account_that_cannot_be_erased_does_not_keep_the_others(cast, monkeypatch):
    for person in (cast.ana, cast.jonas):
        erasing.erase_ask(person.member)
    erased = erasing.erase_now

    def first_stumbles(member):
        if member == cast.ana.member:
            raise RuntimeError
        erased(member)

    monkeypatch.setattr(erasing, "erase_now", first_stumbles)
    with clock.shifted(timedelta(days=8)):
        assert erasing.erase_due() == 1
    left = set(Member.objects.values_list("username", flat=True))
    assert "ana" in left and "jonas" not in left


def test_a_change_of_mind_at_the_last_moment_counts(cast, monkeypatch):
    for person in (cast.ana, cast.jonas):
        erasing.erase_ask(person.member)
    erased = erasing.erase_now

    def and_the_other_stays(member):
        Member.objects.exclude(pk=member.pk).update(erase_at=None)
        erased(member)

    monkeypatch.setattr(erasing, "erase_now", and_the_other_stays)
    with clock.shifted(timedelta(days=8)):
        assert erasing.erase_due() == 1
    assert Member.objects.filter(username__in=["ana", "jonas"]).count() == 1


def test_resting_everywhere_is_everywhere_though_a_key_changes_meanwhile(cast, monkeypatch):
    circle = cast.circle()
    written, first = bonds.pause_write, [True]

    def with_a_new_key_in_between(opened, **values):
        if first.pop() if first else False:
            raise Stale
        written(opened, **values)

    monkeypatch.setattr(bonds, "pause_write", with_a_new_key_in_between)
    assert cast.ana.client.post("/you/pause/", {"do": "rest"}).status_code == 302
    assert cast.ana.bond(cast.pair).paused and cast.ana.bond(circle).paused


def test_a_deleted_text_is_gone_whole(cast):
    leaving_with_a_word(cast)
    row = PrivateWord.objects.get(member=cast.jonas.member)
    assert cast.jonas.client.post(f"/you/words/{row.pk}/delete/").status_code == 302
    assert not Item.objects.filter(author=cast.jonas.member).exists() and not PrivateWord.objects.exists()


def leaving_with_a_word(cast):
    first = cast.first_moment(cast.ana).id
    cast.both_answer(first)
    leaving.bond_leave(cast.jonas.bond(cast.pair))


def test_an_erased_maker_of_a_key_does_not_shut_the_others_out(cast):
    """Cleo had not opened the grant yet when the account that sent it was deleted: another mate hands the key on."""
    circle = cast.circle()
    Bond.objects.filter(pk=circle).update(stale=True)
    cast.jonas.bond(circle)
    cast.jonas.client.post(f"/b/{circle}/pause/", {"do": "back"})
    cast.ana.bond(circle)
    erasing.erase_now(cast.jonas.member)
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    cast.ana.client.post(f"/b/{circle}/pause/", {"do": "back"})
    assert cast.cleo.bond(circle).is_in


# -- the record -----------------------------------------------------------------------------------------------------------


def test_the_record_tells_its_owner_and_is_sealed(cast):
    confirmed(cast.ana).post("/you/kit/")
    page = cast.ana.client.get("/you/record/").content.decode()
    assert "Signed in" in page and "Made a new recovery kit" in page
    cast.ana.client.get(f"/b/{cast.pair}/")
    before = everything()
    cast.ana.client.get(f"/b/{cast.pair}/")
    cast.ana.client.get(f"/b/{cast.pair}/thread/")
    assert everything() == before, "reading writes nothing"
    assert b"signed-in" not in before


# -- discreet -------------------------------------------------------------------------------------------------------------


def settings_of(person, **changes):
    fields = {"name": person.name, "zone": "Europe/Berlin", "lock_minutes": "15", "theme": "auto", **changes}
    return person.client.post("/you/", fields)


def test_discreet_mode_names_nothing(cast):
    from django.test import Client

    page = cast.ana.client.get("/you/").content.decode()
    assert 'name="discreet"' in page and 'name="exit"' in page
    assert settings_of(cast.ana, discreet="on").status_code == 302
    cast.ana.member.refresh_from_db()
    assert cast.ana.member.lock_minutes == 5
    for path in (f"/b/{cast.pair}/", "/you/", "/care/", f"/b/{cast.pair}/us/"):
        page = cast.ana.client.get(path).content.decode()
        assert "<title>Notes</title>" in page and "icon-plain" in page, path
    cast.ana.client.post("/sign-out/")
    assert "<title>Notes</title>" in cast.ana.client.get("/sign-in/").content.decode()
    assert "Closeknit</title>" in Client().get("/sign-in/").content.decode()


def test_quick_exit_leads_where_its_owner_said_by_way_of_a_plain_page(cast):
    assert settings_of(cast.ana, exit="http://plain.example/").status_code == 422
    settings_of(cast.ana, exit="https://weather.example/today")
    where = cast.ana.client.get("/leave/")
    assert where.url.startswith("/notes/?n=") and "weather" not in where.url.split("?")[0]
    page = cast.ana.client.get(where.url).content.decode()
    assert 'content="1;url=https://weather.example/today"' in page and "Closeknit" not in page
    assert "refresh" not in cast.ana.client.get("/notes/?n=https://evil.example/").content.decode()
    with clock.shifted(timedelta(minutes=20)):
        locked = cast.jonas.client.get("/leave/")
    assert locked.url == "/notes/"
