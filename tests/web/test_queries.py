"""Pages ask the database as much at a thousand moments as at ten."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from closeknit.web.moments import services as moments

pytestmark = pytest.mark.django_db
MOST = 12


def fill(cast, count: int) -> None:
    for number in range(count):
        moment = moments.moment_open(cast.ana.bond(cast.pair), {"text": f"Prompt {number}?", "level": 1})
        cast.both_answer(moment.id)


def count(cast, path: str) -> int:
    cast.ana.client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = cast.ana.client.get(path)
    assert answer.status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", ["", "thread/", "prompt/", "prompts/", "us/", "depth/", "invite/"])
def test_pages_do_not_ask_more_as_the_thread_grows(cast, path):
    fill(cast, 3)
    few = count(cast, f"/b/{cast.pair}/{path}")
    fill(cast, 8)
    assert count(cast, f"/b/{cast.pair}/{path}") == few
    assert few <= MOST


def test_a_moment_and_the_own_page(cast):
    fill(cast, 2)
    moment = cast.first_moment(cast.ana).id
    assert count(cast, f"/b/{cast.pair}/m/{moment}/") <= MOST
    assert count(cast, "/you/") <= MOST


def test_no_page_loads_the_row_of_a_closed_answer(cast):
    from closeknit.web.bonds.models import Item

    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "closed so far")
    item = str(Item.objects.get(stream=moment).id)
    for path in ("", "thread/", f"m/{moment}/"):
        with CaptureQueriesContext(connection) as queries:
            cast.jonas.client.get(f"/b/{cast.pair}/{path}")
        text = " ".join(one["sql"] for one in queries)
        assert item not in text and item.replace("-", "") not in text
        assert "bonds_item" not in text
