"""Lives the sample life through the real services, with the clock set back. For an empty store only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from closeknit.method import moment as machine
from closeknit.web import clock
from closeknit.web.bonds import access
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.members import services as members
from closeknit.web.members.models import LOCK_MINUTES, Member
from closeknit.web.moments import deck
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment

from .life import Life, SampleBond, SampleMoment, the_life

Progress = Callable[[int, int], None]
#: Nothing in the demo lies in the future, or so close to now that a slow start would put it there.
LATEST = 0.002


class NotEmpty(Exception):
    """The store has members; the demo is built into an empty one only."""


class NotADemo(Exception):
    """CK_DEMO is off: the samples' passphrases are public and belong nowhere else."""


def build(progress: Progress | None = None) -> None:
    """Fill an empty, migrated store with the sample life.

    progress: called with (steps done, steps in all) after each. Raises NotADemo, NotEmpty.
    """
    if not settings.CK_DEMO:
        raise NotADemo
    if Member.objects.exists():
        raise NotEmpty
    life = the_life()
    steps = len(life.members) + len(life.bonds) + len(life.moments) + len(life.own_prompts)
    builder = Builder(life)
    # One transaction: one flush to disk in place of hundreds, and half a demo is never left behind.
    with transaction.atomic():
        for done, _step in enumerate(builder.steps(), start=1):
            if progress is not None:
                progress(done, steps)


@contextmanager
def days_ago(days: float) -> Iterator[None]:
    """That many days before now."""
    with clock.shifted(-timedelta(days=max(days, LATEST))):
        yield


def slug_id(slug: str) -> str:
    """The prompt id by which a demo page finds a sample moment again."""
    return f"demo:{slug}"


class Builder:
    """Holds everyone's keys while the life is lived."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.people: dict[str, members.NewMember] = {}
        self.bonds: dict[str, Any] = {}

    def steps(self) -> Iterator[None]:
        """Does one step at a time."""
        for username in self.life.members:
            self._member(username)
            yield
        for name, bond in self.life.bonds.items():
            self._bond(name, bond)
            yield
        for prompt in self.life.own_prompts:
            with days_ago(prompt.days):
                moments.own_prompt_write(self._open(prompt.by, prompt.bond), prompt.text)
            yield
        for moment in sorted(self.life.moments, key=lambda one: -one.days):
            self._moment(moment)
            yield

    # -- people and bonds ---------------------------------------------------------------------------------------------

    def _member(self, username: str) -> None:
        sample = self.life.members[username]
        with days_ago(max(bond.days for bond in self.life.bonds.values()) + 1):
            made = members.member_create(
                username=username, passphrase=sample.passphrase, profile={"name": sample.name, "zone": "UTC"}
            )
            members.kit_confirm(made.member)
        # Whoever tries the demo reads along and fetches coffee; both phones should still be open afterwards.
        made.member.lock_minutes = LOCK_MINUTES[-1]
        made.member.save(update_fields=["lock_minutes"])
        self.people[username] = made

    def _id(self, username: str) -> str:
        return str(self.people[username].member.pk)

    def _open(self, username: str, bond: str) -> OpenBond:
        """The bond as this member holds it now, after what their presence makes possible."""
        made = self.people[username]
        for settled in (False, True):
            for opened in access.bonds_load(made.member.pk, made.keyring):
                if opened.id == self.bonds[bond] and (settled or not bonds.settle(opened)):
                    return opened
        raise LookupError(bond)

    def _bond(self, name: str, bond: SampleBond) -> None:
        founder, sample = self.people[bond.founder], self.life.members[bond.founder]
        with days_ago(bond.days):
            opened = bonds.bond_create(
                founder.member,
                founder.keyring,
                kind=bond.kind,
                leave_rule=bond.leave_rule,
                name=bond.name,
                own_name=sample.name,
                thread=sample.thread,
            )
            self.bonds[name] = opened.id
            sent = [(other, *bonds.invitation_create(opened)) for other in bond.others]
        for other, invitation, secret in sent:
            made, guest = self.people[other], self.life.members[other]
            with days_ago(bond.days - 0.02):
                bonds.invitation_accept(
                    made.member, made.keyring, invitation.id, secret, name=guest.name, thread=guest.thread
                )
        with days_ago(bond.days - 0.03):
            self._open(bond.founder, name)
            for username, level in bond.level.items():
                moments.wishes_write(self._open(username, name), level=level, avoid=[])

    # -- moments ------------------------------------------------------------------------------------------------------

    def _moment(self, moment: SampleMoment) -> None:
        row = self._opened(moment)
        self._before(moment, row)
        last = self._answers(moment, row)
        self._after(moment, row, last)

    def _opened(self, moment: SampleMoment) -> Moment:
        with days_ago(moment.days):
            opened = self._open(moment.by, moment.bond)
            card: dict[str, Any]
            if moment.own:
                card = deck.own_card(moments.own_prompt_write(opened, moment.prompt))
            else:
                card = {
                    "id": slug_id(moment.slug),
                    "text": moment.prompt,
                    "why": moment.why,
                    "start": moment.start,
                    "stay": moment.stay,
                    "level": moment.level,
                    "component": moment.component.value if moment.component else "",
                }
            founding = Moment.objects.filter(bond_id=opened.id).first()
            if founding is not None and moment.slug in self._firsts():
                # The bond began with a prompt of the deck; the life begins with its own.
                founding.opened_at = clock.now()
                founding.seal(opened.key, card, epoch=opened.epoch)
                founding.save()
                return founding
            return moments.moment_open(opened, card)

    def _firsts(self) -> set[str]:
        oldest = sorted(self.life.moments, key=lambda one: -one.days)
        return {next(one.slug for one in oldest if one.bond == bond) for bond in self.life.bonds}

    def _before(self, moment: SampleMoment, row: Moment) -> None:
        with days_ago(moment.days - 0.01):
            for username in moment.takes_part:
                event = machine.Event.taking_part(self._id(username))
                moments.answer_event(self._open(username, moment.bond), row.id, event)
            for username, text in moment.draft.items():
                moments.draft_write(self._open(username, moment.bond), row, text)
            if moment.passed:
                moments.draft_pass(self._open(moment.passed, moment.bond), row)

    def _answers(self, moment: SampleMoment, row: Moment) -> float:
        """Share the answers, first to last; returns how many days ago the last one was."""
        authors, when = moment.authors, moment.days - 0.04
        for index, username in enumerate(authors):
            when = moment.days - 0.04 - moment.gap / 24 * index / max(len(authors) - 1, 1)
            with days_ago(when):
                moments.answer_share(
                    self._open(username, moment.bond),
                    row.id,
                    moment.answers[username].strip(),
                    told=username not in moment.untold,
                    advice_welcome=username in moment.advice,
                    let_see=moment.let_see,
                )
        return when

    def _after(self, moment: SampleMoment, row: Moment, last: float) -> None:
        def act(username: str, event: machine.Event) -> None:
            moments.answer_event(self._open(username, moment.bond), row.id, event)

        if moment.released:
            last -= 3
            with days_ago(last):
                act(moment.released, machine.Event.released(self._id(moment.released)))
        with days_ago(last - 0.1):
            for username in moment.responses:
                for author, choice in moment.choices(username).items():
                    act(username, machine.Event.responded(self._id(username), self._id(author), choice))
        for index, words in enumerate(moment.words):
            with days_ago(last - 0.2 - index / 50):
                opened = self._open(words.by, moment.bond)
                moments.words_say(opened, row.id, self._id(words.under), words.text, advice=words.advice)
        for note in moment.changed:
            with days_ago(note.days):
                moments.change_note(self._open(note.by, moment.bond), row.id, note.text)
        if moment.withdrawn:
            with days_ago(last - 2):
                moments.answer_withdraw(self._open(moment.withdrawn, moment.bond), row.id)


def samples() -> list[tuple[str, str, str, str]]:
    """(sign-in name, name, thread, passphrase) of each sample member."""
    return [
        (username, sample.name, sample.thread, sample.passphrase) for username, sample in the_life().members.items()
    ]


__all__ = ["NotADemo", "NotEmpty", "build", "samples", "slug_id"]
