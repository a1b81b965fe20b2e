"""What members do with a dialogue. Each is one short transaction under the bond's row lock."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from closeknit import vault
from closeknit.method import dialogue as machine
from closeknit.method.dialogue import Event, Phase, State, Verb
from closeknit.method.scripts import Act, Script
from closeknit.web import clock, live
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, Item
from closeknit.web.bonds.opened import OpenBond, Tampered, key_for
from closeknit.web.bonds.store import (
    NotThere,
    events_append,
    events_read,
    hold,
    item_write,
    rows_in_pages,
    stream_let_go,
)
from closeknit.web.moments.services import wishes_of_all
from closeknit.web.tasks import checkpoint_soon

from . import gate, library
from .models import Dialogue, DialogueChoice, DialogueOwn

#: A question that nobody took up lapses after so long; one with a time, so long after that time.
LAPSES_AFTER = timedelta(days=3)
LAPSES_AFTER_PLAN = timedelta(hours=12)
#: From so long before the time that was planned people may come.
EARLY = timedelta(minutes=15)
#: The same question again within so long is a double tap.
TWICE_WITHIN = timedelta(seconds=10)
#: When not everyone has chosen to keep what was typed by then, it is let go.
KEEP_BY = timedelta(days=14)
#: Seconds after a stage's soft end for which it may hold its members' idle lock back.
HOLD_AFTER = 15 * 60
GONE = "gone"
#: Of how many past dialogues a page reads at most: enough for "two calm ones" and "the first six loops", and flat.
LOOKS_BACK = 20
OWN_TEXTS = ("draft", "scratch", "line")
#: Acts after which what its owner was typing has been said or let be; any other leaves the draft where it is.
HANDS_ON = frozenset({Verb.SAID, Verb.REFLECTED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED, Verb.PASSED})
_random = secrets.SystemRandom()


@dataclass(slots=True)
class Told:
    """A dialogue as it stands: its row, its card opened, its events folded. gone: it was let go, and this is the stone."""

    row: Dialogue
    card: dict[str, Any]
    script: Script
    events: list[Event] = field(default_factory=list)
    #: The last of them, true already by who has left the bond, and not yet written down.
    unwritten: list[Event] = field(default_factory=list)
    state: State | None = None
    gone: dict[str, Any] | None = None
    #: I was in it and went while the others stayed: what I typed is mine still, the rest is theirs.
    left: bool = False

    def version_for(self, member: uuid.UUID, now: int) -> int:
        """How often this member's page about it has changed. Another's yes is no change as long as nothing opens by it:
        it must look like silence, which looks like a closed check. Only ever grows."""
        if self.gone is not None:
            return 2 * int(self.gone["gone"]) + 3
        told = [e for e in self.events if e.verb is not Verb.ACCEPTED or e.by == str(member)]
        return 2 * len(told) + opens_now(self.the_state, now)

    @property
    def the_state(self) -> State:
        """The state. Raises NotThere where it was let go."""
        if self.state is None:
            raise NotThere
        return self.state


def opens_now(state: State, now: int) -> bool:
    """Whether enough have said yes, and it is time: from then on everyone's page shows that it can begin."""
    return bool(state.order) or (now >= state.opens_at and len(state.accepted) >= state.script.members[0])


def second() -> int:
    """Now, in whole seconds."""
    return int(clock.now().timestamp())


def hold_until(state: State) -> int:
    """The second until which a running stage may hold its members' idle lock back: its soft end and a quarter of an hour
    (the members' own yes is asked elsewhere). 0 while nothing is running."""
    if state.phase is not Phase.RUNNING:
        return 0
    return state.since + state.the_stage.seconds + HOLD_AFTER


# -- reading ----------------------------------------------------------------------------------------------------------


def told_of(
    opened: OpenBond,
    rows: Sequence[Dialogue],
    verbs: Mapping[uuid.UUID, list[dict[str, Any]]] | None = None,
    *,
    left_too: bool = False,
) -> list[Told]:
    """Dialogues as they stand, in the given order; only those this member was asked to, and with `left_too` those they
    went from. Two queries, none if their verbs are at hand."""
    me = str(opened.me.id)
    verbs = events_read(opened, [row.id for row in rows]) if verbs is None else verbs
    found = []
    for row in rows:
        try:
            card = row.unseal(key_for(opened.keys, row.body))
        except vault.VaultError:
            raise Tampered from None
        if me not in card["members"]:
            continue
        one = Told(row, card, library.from_payload(card["script"]))
        payloads = verbs[row.id]
        if payloads and GONE in payloads[0]:
            one.gone = payloads[0]
            one.left = me not in one.gone.get("here", [me])
        elif payloads:
            one.events = [Event.from_payload(payload) for payload in payloads]
            state = machine.fold(one.script, one.events)
            one.unwritten = departures(opened, state, one.events[-1].at)
            for event in one.unwritten:
                state = machine.step(state, event)
            one.events += one.unwritten
            one.state = state
            one.left = me not in state.here
            if one.left and me not in state.order:
                continue
        if left_too or not one.left:
            found.append(one)
    return found


def departures(opened: OpenBond, state: State, at: int) -> list[Event]:
    """What follows from who has left the bond since: true already, and not yet written down."""
    here = {str(person.id) for person in opened.people}
    return [Event(verb=Verb.LEFT, by=one, at=at) for one in state.members if one in state.here and one not in here]


def dialogues_of(opened: OpenBond) -> Any:
    """The bond's dialogues that this member's keys reach, newest first."""
    return Dialogue.objects.filter(bond_id=opened.id, epoch__gte=opened.first_epoch).order_by("-asked_at", "-id")


def dialogues_in_pages(opened: OpenBond, size: int) -> Iterator[list[Dialogue]]:
    """All dialogues that this member's keys reach, newest first, `size` a query."""
    return rows_in_pages(dialogues_of(opened), "asked_at", size)


def told(opened: OpenBond, dialogue_id: uuid.UUID, *, left_too: bool = False) -> Told:
    """One dialogue. Raises NotThere for whoever was not asked, too, or went from it, unless `left_too`."""
    rows = list(dialogues_of(opened).filter(pk=dialogue_id))
    found = told_of(opened, rows, left_too=left_too)
    if not found:
        raise NotThere
    return found[0]


# -- asking -----------------------------------------------------------------------------------------------------------


def ended_before(opened: OpenBond) -> tuple[int, int, int | None]:
    """(calm dialogues that came to their end here, loops that did, when the last one with a check ended), of the
    newest twenty that are over. Three queries, however long the history."""
    return counted(told_of(opened, list(dialogues_of(opened).filter(over_at__isnull=False)[:LOOKS_BACK])))


def counted(over: Iterable[Told]) -> tuple[int, int, int | None]:
    """What `ended_before` says, of dialogues at hand."""
    calm = loops = 0
    last: int | None = None
    for one in over:
        if one.gone is None and one.state is None:
            continue
        over_at = one.gone["over"] if one.gone else one.the_state.over_at
        closed = one.gone["closed"] if one.gone else one.the_state.phase is Phase.CLOSED
        begun = one.gone is not None or bool(one.the_state.order)
        calm += bool(closed and one.script.calm)
        loops += bool(closed and gate.has_loop(one.script))
        if begun and one.script.gate:
            last = max(last or 0, int(over_at))
    return calm, loops, last


def dialogue_ask(
    opened: OpenBond,
    script: Script,
    *,
    members: Iterable[uuid.UUID],
    on_one: bool = False,
    length: int = 0,
    topic: str = "",
    when: datetime | None = None,
) -> Dialogue:
    """Ask the others to a dialogue; whoever asks has said yes. Nobody is told what anyone else answers.

    members: who is asked, besides me. when: a time that was thought of; None: now. Raises store.Stale.
    """
    now = second()
    _calm, _loops, last = ended_before(opened) if script.gate else (0, 0, None)
    with transaction.atomic():
        opened.bond = hold(opened)
        asked = sorted({str(opened.me.id), *(str(one) for one in members)})
        again = _just_asked(opened, script, asked)
        if again is not None:
            return again
        row = Dialogue(bond_id=opened.id, epoch=opened.epoch, asked_at=clock.now())
        ceiling = wishes_of_all(opened)[0] if script.has_cards else 0
        cards = library.deal(opened, row.id.bytes, ceiling=ceiling) if script.has_cards else {}
        item = item_write(opened, row.id, {"text": topic}, shared=True) if topic else None
        card = {
            "script": library.to_payload(script),
            "members": asked,
            "topic": str(item.id) if item else "",
            "topic_by": str(opened.me.id),
            "when": when.isoformat() if when else "",
            "cards": cards,
        }
        row.seal(opened.key, card, epoch=opened.epoch)
        row.save(force_insert=True)
        opens = _opens_at(opened, script, now, last, when)
        lapses = clock.now() + LAPSES_AFTER if when is None else when + LAPSES_AFTER_PLAN
        events = [
            Event(
                verb=Verb.ASKED,
                by=str(opened.me.id),
                at=now,
                members=tuple(asked),
                on_one=on_one,
                length=length,
                level=max(1, ceiling - 1) if ceiling else 0,
                ceiling=ceiling,
                cards=min((len(texts) for texts in cards.values()), default=0),
                opens_at=opens,
                lapses_at=max(int(lapses.timestamp()), opens + 3600),
            ),
            Event(verb=Verb.ACCEPTED, by=str(opened.me.id), at=now),
        ]
        if on_one and not script.gate:
            events += _all_at_hand(opened, asked, now)
        asking = machine.begin(script, events[0])
        one = Told(row, card, script, events, state=machine.fold(script, events))
        events_append(opened, row.id, [event.to_payload() for event in events])
        _together(opened, asking, one.the_state)
        # The asking is news to everyone; that whoever asks has said yes goes without saying.
        _poke(opened, one, news=True)
    return row


def _just_asked(opened: OpenBond, script: Script, asked: list[str]) -> Dialogue | None:
    """The same question by me a moment ago, to which nothing has come yet: a double tap."""
    for row in dialogues_of(opened).filter(asked_at__gte=clock.now() - TWICE_WITHIN)[:1]:
        for one in told_of(opened, [row]):
            state = one.state
            if state is None or state.asked_by != str(opened.me.id) or state.turns or state.phase in machine.OVER:
                continue
            if one.script.id == script.id and list(state.members) == asked:
                return row
    return None


def _opens_at(opened: OpenBond, script: Script, now: int, last: int | None, when: datetime | None) -> int:
    opens = now
    if script.gate:
        age = int((clock.now() - opened.bond.created_at).total_seconds())
        opens = gate.opens_at(now, bond_age_seconds=age, last_over_at=last, chance=_random.random())
    if when is not None:
        opens = max(opens, int((when - EARLY).timestamp()))
    return opens


def _all_at_hand(opened: OpenBond, asked: Sequence[str], now: int) -> list[Event]:
    """One device passed round, and nothing private before it: everyone is there already."""
    me = str(opened.me.id)
    others = [one for one in asked if one != me]
    events = [Event(verb=Verb.ACCEPTED, by=one, at=now, hand=me) for one in others]
    events += [Event(verb=Verb.READY, by=one, at=now, notes=False, hand="" if one == me else me) for one in asked]
    return [*events, Event(verb=Verb.BEGUN, by=me, at=now, order=tuple(_random.sample(list(asked), len(asked))))]


# -- acting -----------------------------------------------------------------------------------------------------------


def _act(
    opened: OpenBond, dialogue_id: uuid.UUID, make: Callable[[State, Told], list[Event]], *, left_too: bool = False
) -> tuple[State, list[Event]]:
    """Lock, read, let `make` say what happens (writing its items meanwhile), check, append, poke.

    Raises NotThere, store.Stale, machine.DialogueError (then nothing was written).
    """
    with transaction.atomic():
        opened.bond = hold(opened)
        one = told(opened, dialogue_id, left_too=left_too)
        state = one.the_state
        before = state
        added = make(state, one)
        for event in added:
            state = machine.step(state, event)
        further = _consequences(opened, one, state)
        for event in further:
            state = machine.step(state, event)
        added = [*added, *further]
        # Who has left the bond since is told by their absence; it is written down with the next thing that happens.
        events = [*one.unwritten, *added]
        if added:
            events_append(opened, dialogue_id, [event.to_payload() for event in events])
            one.events += added
            one.state = state
            _close(one.row, state)
            _together(opened, before, state)
            _poke(opened, one)
    return state, added


def _consequences(opened: OpenBond, one: Told, state: State) -> list[Event]:
    """Everyone who was asked is there: it begins. The last wish was made: it goes on."""
    now, me = second(), str(opened.me.id)
    if state.phase is Phase.ASKED and me in state.ready and state.here <= state.ready:
        order = _random.sample(sorted(state.ready), len(state.ready))
        begun = Event(verb=Verb.BEGUN, by=me, at=now, order=tuple(order))
        return [begun] if machine.can(state, begun) else []
    wish = _wish_due(opened, one, state)
    if wish is not None:
        return [Event(verb=Verb.WISHED, by=me, at=now, step=state.step, wish=wish)]
    return []


def _close(row: Dialogue, state: State) -> None:
    if state.phase in machine.OVER and row.over_at is None:
        row.over_at = clock.now()
        row.save(update_fields=["over_at"])


def _together(opened: OpenBond, before: State, after: State) -> None:
    """Words were spoken together: from here on invitations carry no key."""
    if not opened.bond.opened_together and after.order and not before.order:
        bonds.together_note(opened)


def _poke(opened: OpenBond, one: Told, *, news: bool = False) -> None:
    """Everyone who is still in it looks again, unless what happened is a yes that only whoever gave it can see."""
    state, now, drawn = one.the_state, second(), bonds.live_version()
    to = [uuid.UUID(member) for member in state.members if member in state.here]
    if not news and one.events and one.events[-1].verb is Verb.ACCEPTED and not opens_now(state, now):
        to = [opened.me.id]
    versions = {member: one.version_for(member, now) for member in to}

    def send() -> None:
        for member, version in versions.items():
            live.poke([member], f"dialogue:{one.row.id}", version)
        live.poke(to, f"bond:{opened.id}", drawn)

    transaction.on_commit(send)


def come_by(opened: OpenBond, one: Told) -> bool:
    """I look at it, and something is due that only waited for somebody to come by. Returns whether anything was."""
    # Without the bond's next key nothing can be written; whoever writes something first makes it.
    if one.state is None or opened.bond.stale or not _consequences(opened, one, one.state):
        return False
    _act(opened, one.row.id, lambda _state, _one: [])
    return True


def tidy(found: Iterable[Told]) -> None:
    """Note which of them are over without anybody having ended them: the question lapsed, or too few are left."""
    for one in found:
        if one.state is None or one.row.over_at is not None:
            continue
        over = one.state.phase in machine.OVER
        if over or (one.state.phase is Phase.ASKED and one.state.lapses_at < second()):
            at = one.state.over_at if over else one.state.lapses_at
            one.row.over_at = datetime.fromtimestamp(at, UTC)
            one.row.save(update_fields=["over_at"])


def act(
    opened: OpenBond, dialogue_id: uuid.UUID, make: Callable[[State], Event], words: dict[str, Any] | None = None
) -> State:
    """One act of the running dialogue, with words or without. Words become an item of mine, shared with the bond; on a
    device that is passed round they are the bond's. Raises what `_act` raises.

    words: {"text": ...}, with "note" for a line about something said aloud, with "fields" for the fields of a form.
    """

    def made(state: State, one: Told) -> list[Event]:
        event = make(state)
        if words is not None:
            # Refused before anything is written.
            machine.step(state, _with_item(event, "-"))
            item = item_write(opened, dialogue_id, words, shared=True, mine=not event.hand)
            event = _with_item(event, str(item.id))
        if event.verb in HANDS_ON:
            _own_forget_draft(opened, one.row)
        return [event]

    return _act(opened, dialogue_id, made)[0]


def _with_item(event: Event, item: str) -> Event:
    return replace(event, item=item)


def begin_now(opened: OpenBond, dialogue_id: uuid.UUID) -> State:
    """In a circle: begin with those who are there, in an order that is drawn."""

    def made(state: State, _one: Told) -> list[Event]:
        order = _random.sample(sorted(state.ready), len(state.ready))
        return [Event(verb=Verb.BEGUN, by=str(opened.me.id), at=second(), order=tuple(order))]

    return _act(opened, dialogue_id, made)[0]


def accept(opened: OpenBond, dialogue_id: uuid.UUID) -> State:
    """My yes. The caller has worked out the private check; this writes "accepted" and nothing else."""
    return _act(
        opened, dialogue_id, lambda _s, _o: [Event(verb=Verb.ACCEPTED, by=str(opened.me.id), at=second())]
    )[0]


def take_back(opened: OpenBond, dialogue_id: uuid.UUID, item_id: uuid.UUID) -> State:
    """Take words of mine back, also from a dialogue that I left; they are deleted."""

    def made(_state: State, _one: Told) -> list[Event]:
        Item.objects.filter(pk=item_id, author_id=opened.me.id, stream=dialogue_id).delete()
        transaction.on_commit(checkpoint_soon)
        return [Event(verb=Verb.TOOK_BACK, by=str(opened.me.id), at=second(), item=str(item_id))]

    return _act(opened, dialogue_id, made, left_too=True)[0]


def agree(opened: OpenBond, dialogue_id: uuid.UUID, text: str, back_in: timedelta | None) -> State:
    """A small agreement afterwards, and when it comes up again."""
    now = second()
    back_at = now + int(back_in.total_seconds()) if back_in else 0

    def made(state: State, _one: Told) -> list[Event]:
        event = Event(verb=Verb.AGREED, by=str(opened.me.id), at=now, item="-", back_at=back_at)
        machine.step(state, event)
        item = item_write(opened, dialogue_id, {"text": text}, shared=True)
        return [_with_item(event, str(item.id))]

    return _act(opened, dialogue_id, made)[0]


# -- what only one member knows -----------------------------------------------------------------------------------------


def own_read(opened: OpenBond, dialogue_id: uuid.UUID) -> dict[str, Any]:
    """What I alone know of a dialogue: draft, scratch, heat, not_now, pulse, line."""
    row = DialogueOwn.objects.filter(member_id=opened.me.id, dialogue_id=dialogue_id).first()
    return _opened_own(opened, row) if row is not None else {}


def owns_read(opened: OpenBond, rows: Sequence[Dialogue]) -> dict[uuid.UUID, dict[str, Any]]:
    """The same of several dialogues, by dialogue. One query."""
    own = DialogueOwn.objects.filter(member_id=opened.me.id, dialogue__in=rows)
    return {row.dialogue_id: _opened_own(opened, row) for row in own}


def _opened_own(opened: OpenBond, row: DialogueOwn) -> dict[str, Any]:
    try:
        return row.unseal(opened.keyring.self_key)
    except vault.VaultError:
        raise Tampered from None


def own_write(opened: OpenBond, dialogue_id: uuid.UUID, **changes: Any) -> None:
    """Change some of it."""
    with transaction.atomic():
        row = DialogueOwn.objects.select_for_update().filter(member_id=opened.me.id, dialogue_id=dialogue_id).first()
        present = _opened_own(opened, row) if row is not None else {}
        row = row or DialogueOwn(member_id=opened.me.id, dialogue_id=dialogue_id)
        row.seal(opened.keyring.self_key, {**present, **changes})
        row.save()


def _own_forget_draft(opened: OpenBond, row: Dialogue) -> None:
    if own_read(opened, row.id).get("draft"):
        own_write(opened, row.id, draft="")


# -- decisions of all -----------------------------------------------------------------------------------------------------


def _choices_of(dialogue_id: uuid.UUID) -> Any:
    return DialogueChoice.objects.select_related("dialogue").filter(dialogue_id=dialogue_id)


def _opened_choice(opened: OpenBond, row: DialogueChoice) -> dict[str, Any]:
    try:
        return row.unseal(key_for(opened.keys, row.body))
    except vault.VaultError:
        raise Tampered from None


def _choice_write(opened: OpenBond, dialogue_id: uuid.UUID, **changes: Any) -> None:
    row = _choices_of(dialogue_id).filter(member_id=opened.me.id).first()
    present = _opened_choice(opened, row) if row is not None else {}
    row = row or DialogueChoice(member_id=opened.me.id, dialogue=Dialogue.objects.get(pk=dialogue_id))
    row.seal(opened.key, {**present, **changes}, epoch=opened.epoch)
    row.save()


def my_choice(opened: OpenBond, dialogue_id: uuid.UUID) -> dict[str, Any]:
    """My own inputs: wish, wish_step, keep."""
    row = _choices_of(dialogue_id).filter(member_id=opened.me.id).first()
    return _opened_choice(opened, row) if row is not None else {}


def _choices(opened: OpenBond, dialogue_id: uuid.UUID) -> dict[str, dict[str, Any]]:
    """Everyone's inputs: for working out a decision, never for a page."""
    return {str(row.member_id): _opened_choice(opened, row) for row in _choices_of(dialogue_id)}


def wish(opened: OpenBond, dialogue_id: uuid.UUID, step: int, chosen: machine.Wish) -> State:
    """How deep I would like to go on. Nobody sees it; the most careful wish of all rules."""

    def made(state: State, _one: Told) -> list[Event]:
        sample = Event(verb=Verb.WISHED, by=str(opened.me.id), at=second(), step=step, wish=chosen)
        machine.step(state, sample)
        if state.on_one:
            return [sample]
        _choice_write(opened, dialogue_id, wish=chosen.value, wish_step=step)
        return []

    return _act(opened, dialogue_id, made)[0]


def _wish_due(opened: OpenBond, one: Told, state: State) -> machine.Wish | None:
    if state.phase is not Phase.RUNNING or state.the_stage.act is not Act.WISH:
        return None
    made = _choices(opened, one.row.id)
    wishes = [made[m]["wish"] for m in state.inside if made.get(m, {}).get("wish_step") == state.step]
    if len(wishes) < len(state.inside):
        return None
    return machine.careful(machine.Wish(value) for value in wishes)


def keep(opened: OpenBond, dialogue_id: uuid.UUID, yes: bool) -> None:
    """Whether I would keep what was typed. It is kept if all who were in it say so, and let go once all have chosen."""
    with transaction.atomic():
        opened.bond = hold(opened)
        one = told(opened, dialogue_id)
        state = one.the_state
        machine.step(state, Event(verb=Verb.KEPT, by=str(opened.me.id), at=second()))
        _choice_write(opened, dialogue_id, keep=yes)
        _decide(opened, one)


def _decide(opened: OpenBond, one: Told, *, late: bool = False) -> None:
    """Keep it or let it go, once everyone who was in it and is still here has chosen; late: whoever has not, lets go."""
    state, made = one.the_state, _choices(opened, one.row.id)
    voices = [made.get(member, {}).get("keep") for member in state.order if member in state.here]
    if None in voices and not late:
        return
    if not all(voices):
        _let_go(opened, one)
        return
    event = Event(verb=Verb.KEPT, by=str(opened.me.id), at=second())
    machine.step(state, event)
    events_append(opened, one.row.id, [e.to_payload() for e in (*one.unwritten, event)])
    one.events.append(event)
    _poke(opened, one)


def _let_go(opened: OpenBond, one: Told) -> None:
    """Delete what was typed, for everyone. What was agreed stays; that there was a conversation stays."""
    state = one.the_state
    agreed = {agreement.item for agreement in state.agreements}
    Item.objects.filter(stream=one.row.id).exclude(pk__in=[uuid.UUID(item) for item in agreed]).delete()
    DialogueChoice.objects.filter(dialogue=one.row).delete()
    stone = {
        "v": 1,
        "over": state.over_at,
        "closed": state.phase is Phase.CLOSED,
        "order": list(state.order),
        "here": sorted(state.here),
        "agreements": [[a.by, a.item, a.back_at] for a in state.agreements],
    }
    one.gone = stream_let_go(opened, one.row.id, stone)
    card = {**one.card, "topic": "", "cards": {}}
    one.row.seal(opened.key, card, epoch=opened.epoch)
    one.row.save()
    _poke(opened, one)
    transaction.on_commit(checkpoint_soon)


def let_go_if_due(opened: OpenBond, one: Told) -> bool:
    """Two weeks after its end not everyone has chosen to keep it: it goes. Returns whether anything was decided."""
    state = one.state
    if state is None or state.kept or state.phase not in machine.OVER or not state.order:
        return False
    if opened.bond.stale or not any(turn.item for turn in state.turns):
        return False
    if clock.now().timestamp() < state.over_at + KEEP_BY.total_seconds():
        return False
    with transaction.atomic():
        opened.bond = hold(opened)
        fresh = told(opened, one.row.id)
        if fresh.state is not None and not fresh.state.kept:
            _decide(opened, fresh, late=True)
    return True


# -- when someone goes ----------------------------------------------------------------------------------------------------


def dialogues_leave(bond: Bond, member_id: uuid.UUID, *, opened: OpenBond | None) -> None:
    """End kindly what is under way for someone who goes: their turn passes on, or it ends. opened: whoever acts, with
    the bond's key; None where there is no key, and pages work it out."""
    DialogueChoice.objects.filter(dialogue__bond=bond, member_id=member_id).delete()
    if opened is None:
        return
    who = str(member_id)
    for one in told_of(opened, list(dialogues_of(opened).filter(over_at__isnull=True))):
        event = Event(verb=Verb.LEFT, by=who, at=second())
        if one.state is None or not machine.can(one.state, event):
            continue
        one.state = machine.step(one.state, event)
        events_append(opened, one.row.id, [e.to_payload() for e in (*one.unwritten, event)])
        one.events.append(event)
        _close(one.row, one.state)
        _poke(opened, one)


def own_forget(member_id: uuid.UUID, bond: Bond) -> None:
    """Scratch lines, ratings and drafts of somebody who left: gone along, no copy stays behind."""
    DialogueOwn.objects.filter(member_id=member_id, dialogue__bond=bond).delete()


def words_of_mine(opened: OpenBond) -> tuple[dict[uuid.UUID, dict[str, Any]], list[dict[str, Any]]]:
    """(what is known about each item of mine typed in dialogues; private lines of mine): to take along."""
    rows = {row.id: row for row in dialogues_of(opened)}
    about: dict[uuid.UUID, dict[str, Any]] = {}
    titles: dict[uuid.UUID, dict[str, Any]] = {}
    for row in rows.values():
        card = row.unseal(key_for(opened.keys, row.body))
        titles[row.id] = {"prompt": card["script"]["title"], "at": row.asked_at.isoformat()}
    mine = Item.objects.filter(author_id=opened.me.id, bond_id=opened.id, stream__in=rows)
    for item, stream in mine.values_list("id", "stream"):
        about[item] = {**titles[stream], "kind": "turn"}
    unsent = []
    for own in DialogueOwn.objects.filter(member_id=opened.me.id, dialogue_id__in=rows):
        payload = own.unseal(opened.keyring.self_key)
        unsent += [
            {**titles[own.dialogue_id], "kind": kind, "text": text, "source": source}
            for kind, text, source in lines_of(own.id, payload)
        ]
    return about, unsent


def lines_of(own_id: uuid.UUID, payload: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(kind, text, the id that it keeps wherever it is taken) of each text in an own row."""
    return [(kind, payload[kind], str(uuid.uuid5(own_id, kind))) for kind in OWN_TEXTS if payload.get(kind)]


def lines_known(member_id: uuid.UUID) -> set[uuid.UUID]:
    """The ids that texts in this member's own rows keep wherever they are taken."""
    rows = DialogueOwn.objects.filter(member_id=member_id).values_list("pk", flat=True)
    return {uuid.uuid5(row, kind) for row in rows for kind in OWN_TEXTS}
