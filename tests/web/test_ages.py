"""Under 18: no bond for partners, no prompts of the two deepest depths, and nobody learns of it."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from closeknit import vault
from closeknit.web.bonds import guards
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, Invitation, Membership
from closeknit.web.members import services as members
from closeknit.web.members.models import Member
from closeknit.web.moments import deck, queries
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment
from tests.cast import Person
from tests.http import PASSPHRASE

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(cast):
    return Person("Mia", under_18=True)


def bond_of(person, kind, *others):
    opened = bonds.bond_create(
        person.member, person.keyring, kind=kind, leave_rule="leave", name="B", own_name=person.name, thread="moss"
    )
    for other in others:
        invitation, secret = bonds.invitation_create(person.bond(opened.id))
        bonds.invitation_accept(other.member, other.keyring, invitation.id, secret, name=other.name, thread="woad")
    return opened.id


def plain(page):
    """A page without what is different each time."""
    page = re.sub(r'nonce="[^"]*"|csrfmiddlewaretoken" value="[^"]*"', "", page)
    return re.sub(r'data-version="\d+"', "", page)


def deepest_prompt():
    return next(prompt for prompt in deck.the_deck().prompts if prompt.level == 5 and "family" in prompt.kinds)


def all_agree(bond_id, *people, level=5):
    """Sealed as a member's own page would; for somebody under 18 as no page of theirs would let them."""
    for person in people:
        moments.wishes_write(person.bond(bond_id), level=level, avoid=[])


# -- asking -----------------------------------------------------------------------------------------------------------


def test_signing_up_asks_once_and_plainly():
    client = Client()
    page = client.get("/sign-up/").content.decode()
    assert "18 or older" in page and "Under 18" in page and 'type="date"' not in page and "checked" not in page
    fields = {"username": "mia", "password1": PASSPHRASE}
    assert client.post("/sign-up/", fields).status_code == 422
    assert client.post("/sign-up/", {**fields, "under_18": "maybe"}).status_code == 422
    assert not Member.objects.exists()
    assert client.post("/sign-up/", {**fields, "under_18": "yes"}).status_code == 302
    assert Member.objects.get().under_18


def test_it_goes_from_under_18_to_older_by_its_owner_with_their_passphrase_and_never_back(cast, mia):
    client = mia.client
    assert "I am 18 now" in client.get("/you/").content.decode()
    assert client.post("/you/age/").url.startswith("/confirm/")
    assert Member.objects.get(pk=mia.member.pk).under_18, "without the passphrase"
    client.post("/confirm/", {"passphrase": PASSPHRASE})
    assert client.get("/you/age/").status_code == 200
    assert client.post("/you/age/").status_code == 302
    assert not Member.objects.get(pk=mia.member.pk).under_18
    assert "18 or older now" in client.get("/you/record/").content.decode()
    for path, fields in {"/you/age/": {"under_18": "yes"}, "/you/": {"name": "M", "zone": "UTC", "under_18": "yes"}}.items():
        client.post(path, {"lock_minutes": "15", "theme": "auto", **fields})
        assert not Member.objects.get(pk=mia.member.pk).under_18, path
    assert "I am 18 now" not in client.get("/you/").content.decode()
    assert not members.of_age_note(Member.objects.get(pk=mia.member.pk)), "twice is once"


# -- no bond for partners -----------------------------------------------------------------------------------------------


def test_a_bond_for_partners_is_not_offered_and_not_made(mia):
    page = mia.client.get("/bonds/new/").content.decode()
    assert 'value="partners"' not in page and 'value="friends"' in page
    form = {"kind": "partners", "name": "Us", "own_name": "Mia", "thread": "moss", "leave_rule": "leave"}
    assert mia.client.post("/bonds/new/", form).status_code == 422
    with pytest.raises(bonds.ForAdults):
        bond_of(mia, "partners")
    assert not Bond.objects.filter(memberships__member=mia.member).exists()
    assert mia.client.post("/bonds/new/", {**form, "kind": "friends"}).status_code == 302


def test_an_invitation_to_partners_says_so_kindly_and_tells_nobody(cast, mia):
    opened = bonds.bond_create(
        cast.cleo.member, cast.cleo.keyring, kind="partners", leave_rule="leave", name="P", own_name="C", thread="plum"
    )
    invitation, secret = bonds.invitation_create(opened)
    words = bonds.invitation_words(secret)
    invites = plain(cast.cleo.client.get(f"/b/{opened.id}/invite/").content.decode())
    stranger = Client()
    stranger.post(f"/join/{invitation.id}/", {"secret": words})
    assert "for people of 18 or older" in stranger.get(f"/join/{invitation.id}/").content.decode(), "before an account"
    mia.client.post(f"/join/{invitation.id}/", {"secret": words})
    page = mia.client.get(f"/join/{invitation.id}/").content.decode()
    assert "This one is for later" in page and "join-accept" not in page and 'name="own_name"' not in page
    mia.client.post(f"/join/{invitation.id}/accept/", {"own_name": "Mia", "thread": "moss"})
    refused = mia.client.get(f"/join/{invitation.id}/finish/")
    assert refused.status_code == 403 and "This one is for later" in refused.content.decode()
    assert not Membership.objects.filter(member=mia.member).exists()
    assert Invitation.objects.get(pk=invitation.id).state == Invitation.State.OPEN
    assert plain(cast.cleo.client.get(f"/b/{opened.id}/invite/").content.decode()) == invites
    assert mia.client.post(f"/join/{invitation.id}/decline/", {"block": "yes"}).status_code == 200
    assert bonds.blocked(mia.member, mia.keyring), "the way out works from there"


def test_signing_up_on_the_way_in_does_not_get_around_it(cast):
    opened = bonds.bond_create(
        cast.cleo.member, cast.cleo.keyring, kind="partners", leave_rule="leave", name="P", own_name="C", thread="plum"
    )
    invitation, secret = bonds.invitation_create(opened)
    client, path = Client(), f"/join/{invitation.id}/"
    client.post(path, {"secret": bonds.invitation_words(secret)})
    assert client.post(f"{path}accept/", {"own_name": "N", "thread": "moss"}).url == "/sign-up/"
    client.post("/sign-up/", {"username": "nora", "password1": PASSPHRASE, "under_18": "yes"})
    assert client.get(f"{path}finish/").status_code == 403
    assert not Membership.objects.filter(member__username="nora").exists()


def refuses(act):
    with pytest.raises(IntegrityError), transaction.atomic():
        act()


def test_the_database_itself_refuses(cast, mia):
    """Whatever comes by: a row made without the services, a kind that changes, an age that does."""
    pair = Bond.objects.get(pk=cast.pair)
    refuses(lambda: Membership.objects.create(bond=pair, member=mia.member))
    friends = Bond.objects.get(pk=bond_of(mia, "friends"))
    refuses(lambda: Bond.objects.filter(pk=friends.pk).update(kind="partners"))
    refuses(lambda: Membership.objects.filter(bond=friends).update(bond=pair))
    refuses(lambda: Member.objects.filter(pk=cast.ana.member.pk).update(under_18=True))
    gone = Membership.objects.get(bond=pair, member=cast.jonas.member)
    Membership.objects.filter(pk=gone.pk).update(ended_at=gone.joined_at)
    Member.objects.filter(pk=cast.jonas.member.pk).update(under_18=True)
    refuses(lambda: Membership.objects.filter(pk=gone.pk).update(ended_at=None))
    Member.objects.filter(pk=mia.member.pk).update(under_18=False)
    Membership.objects.filter(bond=friends).update(bond=pair)


def test_the_guards_come_back_after_a_migration(cast, mia):
    from django.core.management import call_command

    guards.remove()
    call_command("migrate", verbosity=0)
    refuses(lambda: Membership.objects.create(bond_id=cast.pair, member=mia.member))


# -- depths -------------------------------------------------------------------------------------------------------------


def test_where_someone_is_under_18_nothing_deeper_than_three_is_chosen_or_opened(cast, mia):
    bond = bond_of(cast.ana, "family", mia)
    all_agree(bond, cast.ana, mia)
    seen = set()
    for _turn in range(30):
        prompt = deck.choose(cast.ana.bond(bond), skipped=tuple(seen))
        seen.add(prompt.id)
        assert prompt.level <= 3
    with pytest.raises(moments.TooDeep):
        deck.open_offer(cast.ana.bond(bond), deepest_prompt())
    with pytest.raises(moments.TooDeep):
        moments.moment_open(cast.ana.bond(bond), {"text": "A prompt with a depth of its own?", "level": 4})
    members.of_age_note(mia.member)
    deck.open_offer(cast.ana.bond(bond), deepest_prompt())
    assert Moment.objects.filter(bond_id=bond).count() == 2, "the first one, and this"


def test_what_was_offered_before_somebody_joined_does_not_open_after_it(cast, mia):
    bond = bond_of(cast.ana, "family")
    all_agree(bond, cast.ana)
    prompt = deepest_prompt()
    opened = cast.ana.bond(bond)
    bonds.row_write(opened, vault.Place.MEMBERSHIP_OWN, {"offer": prompt.id, "skipped": []}, member=opened.me.id)
    before = Moment.objects.filter(bond_id=bond).count()
    invitation, secret = bonds.invitation_create(opened)
    bonds.invitation_accept(mia.member, mia.keyring, invitation.id, secret, name="Mia", thread="moss")
    answer = cast.ana.client.post(f"/b/{bond}/prompt/", {"do": "open", "prompt": prompt.id})
    assert answer.url == f"/b/{bond}/prompt/?lighter"
    page = cast.ana.client.get(answer.url).content.decode()
    assert "not open right now" in page and prompt.text not in page and "18" not in re.sub(r"<[^>]*>", "", page)
    assert Moment.objects.filter(bond_id=bond).count() == before


def test_a_newcomer_under_18_is_not_asked_to_what_is_too_deep(cast, mia):
    bond = bond_of(cast.ana, "family")
    deep = moments.moment_open(cast.ana.bond(bond), {"text": "Deep?", "level": 5}, founding=True).id
    light = moments.moment_open(cast.ana.bond(bond), {"text": "Light?", "level": 2}, founding=True).id
    invitation, secret = bonds.invitation_create(cast.ana.bond(bond))
    bonds.invitation_accept(mia.member, mia.keyring, invitation.id, secret, name="Mia", thread="moss")
    assert queries.moment_glance(mia.bond(bond), light) is not None
    assert mia.client.get(f"/b/{bond}/m/{deep}/").status_code == 404
    assert "Deep?" not in mia.client.get(f"/b/{bond}/thread/").content.decode()


def test_ones_own_page_offers_three_depths_and_takes_no_more(cast, mia):
    bond = bond_of(cast.ana, "family", mia)
    page = mia.client.get(f"/b/{bond}/depth/").content.decode()
    assert 'name="level" value="3"' in page and 'name="level" value="4"' not in page
    assert "for people of 18 or older" in page
    assert mia.client.post(f"/b/{bond}/depth/", {"level": "4"}).status_code == 422
    assert mia.client.post(f"/b/{bond}/depth/", {"level": "3"}).status_code == 302


# -- what others learn ----------------------------------------------------------------------------------------------------


def test_nobody_elses_page_says_how_old_someone_is(cast, mia):
    """Every page of the other's, byte for byte the same while somebody is under 18 and once they are older."""
    bond = bond_of(cast.ana, "family", mia)
    all_agree(bond, cast.ana, level=4)
    Member.objects.filter(pk=cast.ana.member.pk).update(is_host=True, is_staff=True)
    paths = [f"/b/{bond}/{one}" for one in ("", "us/", "depth/", "prompt/", "prompts/", "thread/", "invite/", "together/")]
    cast.ana.client.post("/confirm/", {"passphrase": PASSPHRASE})

    def seen():
        return [plain(cast.ana.client.get(path).content.decode()) for path in (*paths, "/you/")]

    young = seen()
    assert "open only where everyone is 18 or older" in "".join(young), "the rule stands there for all, always"
    members.of_age_note(mia.member)
    assert seen() == young


def test_a_parent_sees_nothing_of_a_childs_private_part(cast, mia):
    bond = bond_of(cast.ana, "family", mia)
    moment = cast.first_moment(cast.ana, bond).id
    base = f"/b/{bond}/m/{moment}/"
    mia.client.post(base + "draft/", {"text": "quincemarrow of Mia"})
    mia.client.post(base + "share/", {"text": "quincemarrow, not opened yet", "hush": "on"})
    mia.client.post(f"/b/{bond}/depth/", {"level": "3", "avoid": ["loss"]})
    mia.client.post("/you/", {"name": "medlarnest", "zone": "UTC", "lock_minutes": "15", "theme": "auto"})
    Member.objects.filter(pk=cast.ana.member.pk).update(is_host=True, is_staff=True, is_superuser=True)
    cast.ana.client.post("/confirm/", {"passphrase": PASSPHRASE})
    paths = ["", "us/", "depth/", "prompt/", "prompts/", "thread/", f"m/{moment}/", "together/", f"words/{mia.id}/"]
    pages = [cast.ana.client.get(f"/b/{bond}/{path}") for path in paths]
    pages += [cast.ana.client.get(path) for path in ("/you/", "/you/record/", "/you/words/")]
    pages.append(cast.ana.client.post(f"/b/{bond}/thread/search/", {"words": "quincemarrow"}))
    pages.append(cast.ana.client.post("/you/export/"))
    for page in pages:
        body = b"".join(page.streaming_content) if page.streaming else page.content
        assert page.status_code == 200 and b"quincemarrow of" not in body and b"quincemarrow, not" not in body
        assert b"medlarnest" not in body
