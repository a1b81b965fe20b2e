"""After a long gap: the same first screen, and two words. Nothing is stored to know of the gap, and nobody else sees it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from closeknit.web import clock
from closeknit.web.members import record
from closeknit.web.members.models import OwnSession, RecordLine
from tests.http import PASSPHRASE

pytestmark = pytest.mark.django_db
WELCOME = "Welcome back"


def today(client, cast):
    return client.get(f"/b/{cast.pair}/").content.decode()


def plain(page):
    page = re.sub(r'nonce="[^"]*"|csrfmiddlewaretoken" value="[^"]*"', "", page)
    return re.sub(r'data-version="\d+"', "", page)


def sign_in():
    client = Client()
    client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE})
    return client


@pytest.mark.parametrize("days, welcomed", [(0, False), (1, False), (13, False), (14, True), (400, True)])
def test_signing_in_after_a_gap(cast, days, welcomed):
    page = plain(today(cast.ana.client, cast))
    cast.ana.client.post("/sign-out/")
    with clock.shifted(timedelta(days=days)):
        later = plain(today(sign_in(), cast))
    assert (WELCOME in later) is welcomed
    bare = later.replace(f'<p class="lead">{WELCOME}</p>', "")
    body = re.compile(r"<main.*</main>", re.DOTALL)
    assert body.search(bare).group() == body.search(page).group(), "the same first screen, no list of what was"


def test_a_session_that_stayed_open_tells_by_its_last_day(cast):
    client = cast.ana.client
    OwnSession.objects.update(last_day=clock.now().date() - timedelta(days=20))
    RecordLine.objects.all().delete()
    assert record.days_away(cast.ana.member, cast.ana.keyring) == 20
    client.post("/lock/")
    client.post("/unlock/", {"passphrase": PASSPHRASE})
    assert WELCOME in today(client, cast)


def test_who_was_here_yesterday_is_not_welcomed_back_for_an_old_sign_in(cast):
    """Signed in three weeks ago, and here every day since."""
    client = cast.ana.client
    with clock.shifted(timedelta(days=20)):
        client.post("/unlock/", {"passphrase": PASSPHRASE})
        with clock.shifted(timedelta(minutes=2)):
            today(client, cast)
    with clock.shifted(timedelta(days=21)):
        client.post("/unlock/", {"passphrase": PASSPHRASE})
        assert WELCOME not in today(client, cast)


def test_it_is_said_for_one_day_and_to_nobody_else(cast):
    cast.ana.client.post("/sign-out/")
    with clock.shifted(timedelta(days=30)):
        before = plain(today(cast.jonas.client, cast))
        client = sign_in()
        assert WELCOME in today(client, cast) and WELCOME in today(client, cast), "not only the first time"
        assert plain(today(cast.jonas.client, cast)) == before and WELCOME not in before
    with clock.shifted(timedelta(days=31)):
        client.post("/unlock/", {"passphrase": PASSPHRASE})
        assert WELCOME not in today(client, cast)
