"""The passphrase again, before what cannot be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from closeknit import vault
from closeknit.web import clock
from closeknit.web.members import services
from tests.http import PASSPHRASE


@pytest.mark.django_db
def test_a_new_kit_asks_for_the_passphrase_again_and_voids_the_old_one(cast):
    client = cast.ana.client
    answer = client.get("/you/kit/")
    assert answer.status_code == 302 and answer.url == "/confirm/?next=%2Fyou%2Fkit%2F"
    assert client.post("/confirm/", {"passphrase": "not it at all", "next": "/you/kit/"}).status_code == 422
    assert client.post("/you/kit/").status_code == 302, "a wrong passphrase opened it"
    assert client.post("/confirm/", {"passphrase": PASSPHRASE, "next": "/you/kit/"}).url == "/you/kit/"
    assert client.get("/you/kit/").status_code == 200
    services.secret_open_with_kit(cast.ana.member, cast.ana.kit)
    assert client.post("/you/kit/").url == "/kit/"
    with pytest.raises(vault.DoesNotOpen):
        services.secret_open_with_kit(cast.ana.member, cast.ana.kit)


@pytest.mark.django_db
def test_it_holds_for_five_minutes_in_this_session_and_no_longer_than_a_lock(cast):
    client = cast.ana.client
    client.post("/confirm/", {"passphrase": PASSPHRASE})
    with clock.shifted(timedelta(minutes=4)):
        assert client.get("/you/kit/").status_code == 200
    with clock.shifted(timedelta(minutes=6)):
        assert client.get("/you/kit/").status_code == 302
    client.post("/lock/")
    client.post("/unlock/", {"passphrase": PASSPHRASE})
    assert client.get("/you/kit/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("next_path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_it_leads_nowhere_else(cast, next_path):
    answer = cast.ana.client.post("/confirm/", {"passphrase": PASSPHRASE, "next": next_path})
    assert answer.status_code == 302 and answer.url == "/you/"
