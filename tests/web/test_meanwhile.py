"""A page reads by several queries, and somebody may write between any two of them: the same member on another device, or a
mate. Whatever they do at whichever moment, the page comes, and never says that something was changed from outside."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from closeknit.method import moment as machine
from closeknit.web.bonds import decisions, leaving
from closeknit.web.bonds import services as bonds
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment, OwnPrompt

pytestmark = pytest.mark.django_db


class Scene:
    """A pair with a moment that both answered and one that is open, each with something beneath; and a circle."""

    def __init__(self, cast) -> None:
        self.cast, self.ana, self.jonas, self.pair = cast, cast.ana, cast.jonas, cast.pair
        own = moments.own_prompt_write(self.bond(), "A prompt of Ana's own?")
        self.own = own.id
        self.past = moments.moment_open(self.bond(), {"text": "", "id": f"own:{own.id}"}).id
        cast.both_answer(self.past)
        self.respond(self.jonas, self.ana)
        moments.words_say(self.jonas.bond(self.pair), self.past, self.ana.id, "beneath")
        self.now = moments.moment_open(self.bond(), {"text": "What did you leave out?"}).id
        self.ana.client.get(f"/b/{self.pair}/")

    def bond(self, who=None):
        return (who or self.ana).bond(self.pair)

    def respond(self, who, to) -> None:
        event = machine.Event.responded(who.id, to.id, machine.Choice.THANKS)
        moments.answer_event(self.bond(who), self.past, event)

    def row(self, moment_id) -> Moment:
        return Moment.objects.get(pk=moment_id)


ACTS = {
    "I share": lambda s: moments.answer_share(s.bond(), s.now, "from another device"),
    "I write a draft": lambda s: moments.draft_write(s.bond(), s.row(s.now), "half a thought"),
    "I take back": lambda s: moments.answer_withdraw(s.bond(), s.past),
    "I respond": lambda s: s.respond(s.ana, s.jonas),
    "I open one": lambda s: moments.moment_open(s.bond(), {"text": "Another?"}),
    "I note a change": lambda s: moments.change_note(s.bond(), s.past, "since then"),
    "I take a prompt back": lambda s: OwnPrompt.objects.filter(pk=s.own).delete(),
    "I change my name": lambda s: bonds.membership_change(s.bond(), name="A.", thread="plum"),
    "I rest": lambda s: bonds.pause_write(s.bond(), paused=True, openly=True),
    "I vote": lambda s: decisions.votes_write(s.bond(), decisions.Votes(end=True)),
    "the mate shares": lambda s: moments.answer_share(s.bond(s.jonas), s.now, "Jonas now"),
    "the mate takes back": lambda s: moments.answer_withdraw(s.bond(s.jonas), s.past),
    "the mate says more": lambda s: moments.words_say(s.bond(s.jonas), s.past, s.ana.id, "more"),
    "the mate makes it strict": lambda s: decisions.strict_on(s.bond(s.jonas)),
    "the mate leaves": lambda s: leaving.bond_leave(s.bond(s.jonas)),
}
PAGES = ("", "m/{now}/", "m/{past}/", "thread/", "us/")


def load(scene: Scene, path: str, act, before: int) -> tuple[int, int]:
    """(status, queries) of a page before whose query number `before` something happens."""
    count, busy = 0, False

    def between(execute, sql, params, many, context):
        nonlocal count, busy
        if not busy:
            if count == before:
                busy = True
                act(scene)
                busy = False
            count += 1
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(between):
            status = scene.ana.client.get(path).status_code
        transaction.set_rollback(True)
    return status, count


@pytest.mark.parametrize("name", ACTS)
def test_a_page_comes_whatever_happens_while_it_is_made(cast, name):
    scene = Scene(cast)
    odd = []
    for page in PAGES:
        path = f"/b/{scene.pair}/" + page.format(now=scene.now, past=scene.past)
        before, last = 0, 1
        while before < last:
            status, last = load(scene, path, ACTS[name], before)
            if status != 200:
                odd.append((page, before, status))
            before += 1
        assert last >= 5
    assert odd == []
