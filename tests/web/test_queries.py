"""Pages ask the database as much at a thousand moments as at ten, and it reads no more for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from closeknit.method import moment as machine
from closeknit.web import clock
from closeknit.web.bonds.models import Event
from closeknit.web.moments import queries
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment

from .talk import ask

pytestmark = pytest.mark.django_db
MOST = 12
MANY = 2000


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


def lay_under(cast, count: int) -> None:
    """Older moments with three events each: rows alone, which open for nobody, so that reading one would be an error."""
    body, then = Moment.objects.filter(bond_id=cast.pair)[0].body, clock.now() - timedelta(days=20)
    rows = [
        Moment(bond_id=cast.pair, epoch=1, body=body, opened_at=then - timedelta(minutes=one), revealed_at=then)
        for one in range(count)
    ]
    Moment.objects.bulk_create(rows)
    Event.objects.bulk_create(
        Event(bond_id=cast.pair, stream=row.id, number=number, body=body) for row in rows for number in (1, 2, 3)
    )
    if connection.vendor == "postgresql":
        # Its planner goes by what it was last told of the tables.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE moments_moment; ANALYZE bonds_event; ANALYZE bonds_streamhead")


def work(cast, path: str) -> int:
    """How much the database does for a page: steps of its machine on SQLite, rows read on PostgreSQL."""
    cast.ana.client.get(path)
    steps: list[str] = []
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(lambda: steps.append(path), 1)
        assert cast.ana.client.get(path).status_code == 200
        connection.connection.set_progress_handler(None, 1)
        return len(steps)
    before = rows_read()
    assert cast.ana.client.get(path).status_code == 200
    return rows_read() - before


def rows_read() -> int:
    """Rows that PostgreSQL has read since the transaction began."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0] or 0)


def test_the_database_reads_no_more_for_a_page_as_the_thread_grows(cast):
    fill(cast, queries.PAGE + 1)
    base = f"/b/{cast.pair}/"
    paths = [base + path for path in ("", "thread/", f"m/{cast.first_moment(cast.ana).id}/", "us/", "talk/", "prompt/")]
    lay_under(cast, 1)
    few = [work(cast, path) for path in paths]
    lay_under(cast, MANY)
    # A page that went through the thread would take at least a step, or a row, for each moment.
    more = {path: work(cast, path) - before for path, before in zip(paths, few, strict=True)}
    assert max(more.values()) < MANY / 4, more


@pytest.mark.parametrize("newer", [2, 13])
def test_today_brings_back_an_old_moment_whether_or_not_it_is_among_the_newest(cast, newer):
    old = cast.first_moment(cast.ana).id
    cast.both_answer(old)
    thanks = machine.Event.responded(cast.ana.id, cast.jonas.id, machine.Choice.THANKS)
    moments.answer_event(cast.ana.bond(cast.pair), old, thanks)
    long_ago = clock.now() - timedelta(days=300)
    Moment.objects.filter(pk=old).update(opened_at=long_ago, revealed_at=long_ago)
    for number in range(newer):
        opened = cast.ana.bond(cast.pair)
        moments.draft_pass(opened, moments.moment_open(opened, {"text": f"Prompt {number}?", "level": 1}))
    today = queries.today(cast.ana.bond(cast.pair))
    assert today.back is not None and today.back.id == old
    assert today.page is None and today.lines == ()


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


# -- dialogues ----------------------------------------------------------------------------------------------------------


def talk_past(cast, start: int, number: int) -> None:
    """Dialogues that are over, in every way that one can be: let go, agreed on, undecided."""
    for which in range(start, start + number):
        with clock.shifted(timedelta(minutes=which)):
            talk = ask(cast, "good-news").begin()
            talk.say("a word")
            talk.post(cast.ana, "end")
            talk.post(cast.ana, "agree", text="a walk", back="7")
            if which % 2:
                for person in talk.people:
                    talk.post(person, "keep", keep="no")


def test_talk_does_not_ask_more_as_its_history_grows(cast):
    paths = [f"/b/{cast.pair}/{path}" for path in ("talk/", "talk/history/", "")]
    talk_past(cast, 0, 2)
    few = {path: count(cast, path) for path in paths}
    talk_past(cast, 2, 4)
    assert {path: count(cast, path) for path in paths} == few
    assert max(few.values()) <= MOST + 2 and few[paths[-1]] <= MOST


def test_today_keeps_its_number_while_dialogues_are_asked_and_under_way(cast):
    fill(cast, 3)
    empty = count(cast, f"/b/{cast.pair}/")
    for minutes in range(4):
        with clock.shifted(timedelta(minutes=minutes)):
            talk = ask(cast, "good-news")
            if minutes % 2:
                talk.begin().say("a word")
            else:
                talk.post(cast.ana, "own", field="scratch", text="a note")
    assert count(cast, f"/b/{cast.pair}/") == empty <= MOST


def test_a_dialogues_page_does_not_ask_more_as_it_grows(cast):
    talk = ask(cast, "good-news").begin()
    talk.say("one")
    few = count(cast, talk.path)
    while talk.state().the_part.id == "news":
        talk.say("another")
    assert count(cast, talk.path) == few <= MOST
    talk_past(cast, 2, 4)
    assert count(cast, talk.path) == few


def test_no_more_than_twenty_past_dialogues_are_read(cast, monkeypatch):
    from closeknit.web.dialogues import queries, services

    monkeypatch.setattr(services, "LOOKS_BACK", 2)
    monkeypatch.setattr(queries, "HISTORY_PAGE", 2)
    talk_past(cast, 0, 4)
    read = []
    real = services.told_of
    monkeypatch.setattr(services, "told_of", lambda bond, rows, *a, **k: read.append(len(rows)) or real(bond, rows, *a, **k))
    cast.ana.client.get(f"/b/{cast.pair}/talk/")
    services.ended_before(cast.ana.bond(cast.pair))
    assert read and max(read) <= 2
    page = cast.ana.client.get(f"/b/{cast.pair}/talk/history/?page=2").content.decode()
    assert page.count("Good news, answered well") == 2 and "Newer" in page and "Older" not in page
