"""An account's own pages: what is suggested, and what may be chosen."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.django_db


def test_time_zones_come_by_part_of_the_world_and_an_older_name_stays(cast):
    page = cast.ana.client.get("/you/").content.decode()
    assert '<optgroup label="Europe">' in page and ">Argentina: Buenos Aires</option>" in page and ">Kolkata</option>" in page
    assert "Asia/Calcutta" not in page and "EST5EDT" not in page
    given = {"name": "Ana", "lock_minutes": "15", "theme": "auto", "exit": ""}
    for zone in ("Asia/Calcutta", "America/Argentina/Buenos_Aires", "UTC"):
        assert cast.ana.client.post("/you/", {**given, "zone": zone}).status_code == 302, zone
        page = cast.ana.client.get("/you/").content.decode()
        assert f'<option value="{zone}" selected>' in page
    answer = cast.ana.client.post("/you/", {**given, "zone": "Mars/Base"})
    assert answer.status_code == 422 and "Mars/Base is not one of the available choices" in answer.content.decode()


def test_five_suggested_words_stay_when_something_else_has_to_be_mended(client):
    def words(page: str) -> str:
        (shown,) = re.findall(r"data-suggestion>([a-z -]+)<", page)
        assert f'name="suggestion" value="{shown}"' in page
        return shown

    first = words(client.get("/sign-up/").content.decode())
    assert len(first.split()) == 5
    answer = client.post("/sign-up/", {"username": "a b", "password1": first, "suggestion": first})
    assert answer.status_code == 422 and words(answer.content.decode()) == first
    for other in ("", "one two three", f"{first} <b>", "correct horse battery staple zebraism"):
        again = client.post("/sign-up/", {"username": "a b", "suggestion": other})
        assert words(again.content.decode()) not in {first, other}
