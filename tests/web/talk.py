"""Walking through a dialogue as its members do: by the pages' own forms."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction

from closeknit.method.dialogue import State
from closeknit.web import clock
from closeknit.web.bonds import services as bonds
from closeknit.web.dialogues import gate, library, queries, services
from tests.cast import PASSPHRASE, Cast, Person

PASSES = {"afraid": "no", "hurt": "no", "free": "yes", "shown": "no"}


class Talk:
    """One dialogue, and those who were asked to it."""

    def __init__(self, bond: uuid.UUID, path: str, people: tuple[Person, ...]) -> None:
        self.bond, self.path, self.people = bond, path, people
        self.id = uuid.UUID(path.rstrip("/").split("/")[-1])

    def state(self, person: Person | None = None) -> State:
        person = person or self.people[0]
        return services.told(person.bond(self.bond), self.id).the_state

    def page(self, person: Person) -> Any:
        answer = person.client.get(self.path)
        assert answer.status_code == 200, answer.status_code
        return answer

    def text(self, person: Person) -> str:
        return str(self.page(person).content.decode())

    def post(self, person: Person, act: str, code: int = 302, **fields: Any) -> Any:
        answer = person.client.post(f"{self.path}{act}/", fields)
        assert answer.status_code == code, (answer.status_code, re.sub(r"\s+", " ", answer.content.decode())[-1800:])
        return answer

    def go_on(self, person: Person, code: int = 302) -> Any:
        """Ready to go on after a rest."""
        return self.post(person, "rest", code, what="on", step=self.page(person).context["page"].view.step)

    def do(self, person: Person, verb: str, code: int = 302, **fields: Any) -> Any:
        fields.setdefault("step", self.state().step)
        return self.post(person, "do", code, verb=verb, **fields)

    def who(self, member: str | None) -> Person:
        return next(person for person in self.people if person.id == member)

    @property
    def speaker(self) -> Person:
        """Who has the floor."""
        return self.who(self.state().floor)

    def begin(self) -> Talk:
        """Everyone says yes and comes."""
        for person in self.people[1:]:
            self.post(person, "accept")
        for person in self.people:
            self.post(person, "ready")
        assert self.state().order
        return self

    def all_ready(self) -> None:
        for person in self.people:
            self.do(person, "done")

    def say(self, text: str, **more: Any) -> Person:
        """Whoever has the floor says it, in the verb that the page offers them."""
        person = self.speaker
        verb = self.page(person).context["page"].verb
        self.do(person, verb, text=text, how="typed", **more)
        return person


def start_of(person: Person, bond: Any, script: str) -> str:
    """Where this person chooses a script."""
    mark = library.mark(person.bond(bond), library.the_scripts()[script])
    return f"/b/{bond}/talk/start/{mark}/"


def ask(cast: Cast, script: str, *people: Person, bond: Any = None, **fields: Any) -> Talk:
    """The first of the people asks the others."""
    people = people or (cast.ana, cast.jonas)
    bond = bond or cast.pair
    fields = {"device": "each", **fields}
    if len(people) > 2 or bond != cast.pair:
        fields.setdefault("people", [person.id for person in people[1:]])
    answer = people[0].client.post(start_of(people[0], bond, script), fields)
    assert answer.status_code == 302, re.sub(r"\s+", " ", answer.content.decode())[-1500:]
    assert "/d/" in answer.url, answer.url
    return Talk(bond, answer.url, people)


def pass_the_check(bond: Any, *people: Person) -> None:
    """Each has gone through the private check, at some time within the last month."""
    for person in people:
        gate.write(person.bond(bond), passed=True)


def settled(bond: Any) -> None:
    """A bond that is older than a week, so that nothing waits for a delay at its beginning."""
    from closeknit.web.bonds.models import Bond

    Bond.objects.filter(pk=bond).update(created_at=clock.now() - timedelta(days=30))


def unlock(*people: Person) -> None:
    for person in people:
        person.client.post("/unlock/", {"passphrase": PASSPHRASE})


def new_epoch(person: Person, bond: Any) -> None:
    """The bond's next key, made by this person."""
    from closeknit.web.bonds.models import Bond

    with transaction.atomic():
        Bond.objects.filter(pk=bond).update(stale=True)
    assert bonds.refresh_if_stale(person.bond(bond))


def good_news(talk: Talk, words: str = "words") -> None:
    """From its first stage to its end, every turn typed."""
    number = 0
    while talk.state().the_part.id == "news":
        number += 1
        talk.say(f"{words} {number}")
    talk.all_ready()
    assert talk.state().phase.value == "closed"


__all__ = ["PASSES", "Talk", "ask", "good_news", "new_epoch", "pass_the_check", "queries", "settled", "unlock"]
