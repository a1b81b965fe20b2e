"""What pages about dialogues show: named, ready values, computed from the machine's view and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from closeknit import vault
from closeknit.method import dialogue as machine
from closeknit.method.dialogue import FLOOR_AFTER, Phase, Spot, Turn, Verb, Verdict, View
from closeknit.method.scripts import Act, Script
from closeknit.web import clock
from closeknit.web.bonds.opened import OpenBond, Person, Tampered
from closeknit.web.bonds.signals import Waiting
from closeknit.web.bonds.store import items_read
from closeknit.web.moments.templatetags.moment_tags import names as names_of

from . import library, services, words
from .models import Dialogue, DialogueOwn
from .services import Told

HISTORY_PAGE = services.LOOKS_BACK
#: So many turns stand above what is to be done now.
TURNS_AT_ONCE = 4
#: More than so many under way or asked at once are not shown.
OPEN_AT_MOST = 30
#: Turns of a loop that show with the present spot: what was said, and what came back last.
_LOOP_TURNS = frozenset(
    {Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.JUDGED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED}
)


@dataclass(frozen=True, slots=True)
class Said:
    """Something that somebody said, as a page shows it."""

    person: Person
    label: str
    text: str
    fields: tuple[tuple[str, str], ...]
    spoken: bool
    note: bool
    item: uuid.UUID | None
    mine: bool
    choice: str


@dataclass(frozen=True, slots=True)
class Agreed:
    person: Person
    text: str
    back_at: datetime | None
    dialogue: uuid.UUID
    item: uuid.UUID
    mine: bool

    @property
    def is_due(self) -> bool:
        return self.back_at is not None and self.back_at <= clock.now() < self.back_at + timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything a page about one dialogue shows."""

    told: Told
    view: View
    me: Person
    actor: Person
    role: str
    words: words.Words | None
    topic: str
    said: tuple[Said, ...]
    before: tuple[Said, ...]
    card: str
    floor: Person | None
    lead: Person | None
    listener: Person | None
    inside: tuple[Person, ...]
    others: tuple[Person, ...]
    waiting: tuple[Person, ...]
    ready: tuple[Person, ...]
    agreements: tuple[Agreed, ...]
    own: dict[str, Any]
    choice: dict[str, Any]
    last_verdict: str
    look_again: int
    curtain: bool
    hand: Person | None
    when: datetime | None
    back_at: datetime | None
    away_by: Person | None
    minutes: int
    to_bring: tuple[Person, ...]
    keep_open: bool
    asker: Person
    version: int

    @property
    def script(self) -> Script:
        return self.told.script

    @property
    def ways(self) -> tuple[str, ...]:
        return tuple(way.value for way in self.told.script.ways)

    @property
    def lapsed(self) -> bool:
        return self.told.the_state.lapses_at < services.second()

    @property
    def others_inside(self) -> tuple[Person, ...]:
        """Who hears what is sent."""
        return tuple(person for person in self.inside if person.id != self.actor.id)

    @property
    def done(self) -> bool:
        """Whether all that is left here is to wait, though nobody has the floor."""
        return not self.view.mine and self.floor is None

    @property
    def wished(self) -> bool:
        return self.choice.get("wish_step") == self.view.step

    @property
    def longer_minutes(self) -> int:
        """Half an hour more than was promised, in minutes from now."""
        return max(0, self.view.back_at - services.second()) // 60 + 31

    @property
    def face(self) -> str:
        """Which of the page's faces to show."""
        phase = self.view.phase
        if phase is Phase.ASKED:
            return "asked"
        if phase in machine.OVER:
            return "over"
        if self.view.member not in self.view.inside:
            return "outside"
        if phase in machine.RESTING:
            return "resting"
        return "curtain" if self.curtain else "stage"

    @property
    def spot(self) -> str:
        return self.view.spot.value if self.view.spot is not None else ""

    @property
    def act(self) -> str:
        return self.view.stage.act.value if self.view.stage is not None else ""

    @property
    def composes(self) -> bool:
        """Whether whoever holds this page may send words now."""
        texts = {Verb.SAID, Verb.REFLECTED, Verb.VALIDATED, Verb.EMPATHISED}
        return any(verb.value in self.can for verb in texts)

    @property
    def verb(self) -> str:
        """The verb that the composer sends."""
        for verb in (Verb.SAID, Verb.REFLECTED, Verb.VALIDATED, Verb.EMPATHISED):
            if verb.value in self.can:
                return verb.value
        return ""

    @property
    def coach_situation(self) -> str:
        """What the composer's words are for, in the coach's words."""
        if self.verb == Verb.REFLECTED.value:
            return "reflect"
        if self.verb in {Verb.VALIDATED.value, Verb.EMPATHISED.value}:
            return "respond"
        return "need" if self.act == Act.BUILD.value else "prompt"

    @property
    def coach_about(self) -> str:
        """What they answer: the last words that somebody else said here."""
        if self.coach_situation not in {"reflect", "respond"}:
            return ""
        theirs = [said.text for said in self.said if not said.mine and said.text]
        return theirs[-1] if theirs else ""

    @property
    def can(self) -> frozenset[str]:
        return self.view.can

    @property
    def options(self) -> tuple[Any, ...]:
        return tuple(one for one in self.view.options if f"chose:{one.id}" in self.can)


def _person(opened: OpenBond, member: str | None) -> Person | None:
    return opened.person(member) if member else None


def _people(opened: OpenBond, members: Sequence[str]) -> tuple[Person, ...]:
    return tuple(opened.person(member) for member in members)


def page_of(opened: OpenBond, one: Told, *, unveiled: int = -1) -> Page:
    """One dialogue as this member's page shows it. unveiled: the step for which the curtain was lifted, where one
    device is passed round. Raises NotThere where it was let go."""
    state, me, now = one.the_state, str(opened.me.id), services.second()
    hand = actor = me
    passed_round = state.on_one and state.asked_by == me and state.phase is Phase.RUNNING
    if passed_round:
        actor = state.floor or (sorted(state.acting, key=state.order.index)[0] if state.acting else me)
    view = machine.view(state, actor, now) if actor != me and actor in state.here else machine.view(state, me, now)
    if actor != me:
        view = replace(view, can=machine.acts(state, actor, now, hand=hand))
    own = services.own_read(opened, one.row.id)
    texts = _texts(opened, one)
    lead, listener = view.lead, view.listener
    role = "lead" if actor == lead else "listener" if actor == listener else "other"
    names = {
        "lead": _name(opened, lead),
        "speaker": _name(opened, view.floor or next((m for m in view.inside if m in state.acting and m != me), lead)),
        "listener": _name(opened, listener),
        "others": names_of([p for p in _people(opened, state.inside) if str(p.id) != actor]),
    }
    side = words.of_side(view.side, names)
    if view.spot is not None and view.spot is not Spot.SPEAK:
        side = words.of_spot(view.spot, role, names)
    card = ""
    if view.card is not None:
        level, index = view.card
        cards = one.card["cards"].get(str(level), [])
        card = cards[index] if 0 <= index < len(cards) else ""
    said = [_said(opened, state, turn, texts, me) for turn in view.turns if _shows(view, turn)]
    before = [_said(opened, state, turn, texts, me) for turn in view.before if _tells(turn, texts)]
    turns = [turn for turn in view.turns if turn.verdict is not None]
    acting = [m for m in view.inside if m in state.acting]
    return Page(
        told=one,
        view=view,
        me=opened.me,
        actor=opened.person(actor),
        role=role,
        words=side,
        topic=texts.get(one.card.get("topic", ""), {}).get("text", ""),
        # One thing on the screen at a time: of a long round the last turns stand there, the others are folded away.
        said=tuple(said[-TURNS_AT_ONCE:]),
        before=(*before, *said[:-TURNS_AT_ONCE]),
        card=card,
        floor=_person(opened, view.floor),
        lead=_person(opened, lead),
        listener=_person(opened, listener),
        inside=_people(opened, view.inside),
        others=tuple(p for p in _people(opened, [m for m in state.members if m in state.here]) if not p.is_me),
        waiting=_people(opened, [m for m in acting if m != me]),
        ready=_people(opened, [m for m in state.members if m in view.ready]),
        agreements=_agreements(opened, one, texts),
        own=own,
        choice=services.my_choice(opened, one.row.id) if view.stage is not None or state.phase in machine.OVER else {},
        last_verdict=turns[-1].verdict.value if turns and turns[-1].verdict is not Verdict.YES else "",
        look_again=_look_again(state, now),
        curtain=passed_round and actor != me and unveiled != state.step,
        hand=opened.me if actor != me else None,
        when=datetime.fromisoformat(one.card["when"]) if one.card.get("when") else None,
        back_at=datetime.fromtimestamp(view.back_at, UTC) if view.back_at else None,
        away_by=_person(opened, view.away_by or None),
        minutes=max(0, (now - view.since) // 60) if view.since else 0,
        to_bring=_to_bring(opened, state, me, now),
        keep_open=state.phase in machine.OVER and not state.kept and any(turn.item for turn in state.turns),
        asker=opened.person(state.asked_by),
        version=one.version_for(opened.me.id, now),
    )


def _to_bring(opened: OpenBond, state: machine.State, me: str, now: int) -> tuple[Person, ...]:
    """Whose "I'm here" or "I'm ready" the owner of a device that is passed round may tap for them."""
    if not state.on_one or state.asked_by != me:
        return ()
    verb = "ready" if state.phase is Phase.ASKED else "resumed"
    others = [member for member in state.members if member != me and member in state.here]
    return _people(opened, [member for member in others if verb in machine.acts(state, member, now, me)])


def _shows(view: View, turn: Turn) -> bool:
    """Whether a turn of this round shows beside the present place: in a loop only the present piece, else the stage's
    and the ones before it."""
    if turn.choice is not None:
        return True
    if turn.verb not in _LOOP_TURNS:
        return False
    return not (turn.verb is Verb.JUDGED and not turn.item)


def _tells(turn: Turn, texts: dict[str, Any]) -> bool:
    return bool(turn.item and turn.item in texts) or (turn.verb is Verb.SAID and turn.spoken)


def _look_again(state: machine.State, now: int) -> int:
    """In how many seconds something on the page changes by itself; 0: nothing will."""
    times = []
    if state.phase is Phase.ASKED:
        times = [state.opens_at]
    elif state.phase is Phase.RUNNING and state.the_stage.seconds:
        times = [state.since + state.the_stage.seconds, state.since + state.the_stage.seconds + FLOOR_AFTER]
    elif state.phase is Phase.AWAY:
        times = [state.called_at + machine.SHORTEST_AWAY, state.back_at]
    ahead = [at - now for at in times if at > now]
    return min(ahead) + 1 if ahead else 0


def _name(opened: OpenBond, member: str | None) -> str:
    return opened.person(member).name if member else ""


def _texts(opened: OpenBond, one: Told) -> dict[str, dict[str, Any]]:
    """The words of a dialogue by item. One query."""
    if one.gone is not None:
        wanted = {item for _by, item, _at in one.gone["agreements"]}
    else:
        state = one.the_state
        wanted = {turn.item for turn in state.turns if turn.item} | {a.item for a in state.agreements}
    topic = one.card.get("topic", "")
    ids = {uuid.UUID(item) for item in (*wanted, *([topic] if topic else []))}
    return {str(item): payload for item, payload in items_read(opened, ids).items()}


def _said(opened: OpenBond, state: machine.State, turn: Turn, texts: dict[str, Any], me: str) -> Said:
    payload = texts.get(turn.item, {})
    stage = state.script.parts[turn.part].stages[turn.stage]
    labels = {field.id: field.label for field in stage.fields}
    option = next((one.label for one in stage.options if one.id == turn.option), "")
    choice = str(words.CHOICES[turn.choice]) if turn.choice is not None else option
    return Said(
        person=opened.person(turn.by),
        label=str(words.TURN_LABELS.get(turn.verb, "")),
        text=payload.get("text", ""),
        fields=tuple((labels.get(k, k), v) for k, v in payload.get("fields", {}).items()),
        spoken=turn.spoken or bool(payload.get("note")),
        note=bool(payload.get("note")),
        item=uuid.UUID(turn.item) if turn.item and turn.by == me and not turn.hand else None,
        mine=turn.by == me,
        choice=choice,
    )


def _agreements(opened: OpenBond, one: Told, texts: dict[str, Any]) -> tuple[Agreed, ...]:
    if one.gone is not None:
        found = [tuple(agreement) for agreement in one.gone["agreements"]]
    else:
        found = [(a.by, a.item, a.back_at) for a in one.the_state.agreements]
    return tuple(
        Agreed(
            person=opened.person(by),
            text=texts[item]["text"],
            back_at=datetime.fromtimestamp(back_at, UTC) if back_at else None,
            dialogue=one.row.id,
            item=uuid.UUID(item),
            mine=by == str(opened.me.id),
        )
        for by, item, back_at in found
        if item in texts
    )


# -- the room -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A dialogue in a list."""

    id: uuid.UUID
    title: str
    phase: str
    topic: str
    when: datetime | None
    asked_at: datetime
    people: tuple[Person, ...]
    mine: bool


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A script that may be chosen, or why not yet."""

    script: Script
    later: bool
    #: How it stands in my addresses.
    mark: str


@dataclass(frozen=True, slots=True)
class Talk:
    """The room: what is under way, what was asked, what was agreed and is due, what there is to choose."""

    under_way: tuple[Line, ...]
    asked: tuple[Line, ...]
    due: tuple[Agreed, ...]
    calm: tuple[OnShelf, ...]
    deeper: tuple[OnShelf, ...]
    any_over: bool
    #: Over without anybody having ended them, and not yet noted as such.
    run_out: tuple[Told, ...]


def _line(opened: OpenBond, one: Told, texts: dict[str, Any] | None = None) -> Line:
    topic = one.card.get("topic", "")
    return Line(
        id=one.row.id,
        title=one.script.title,
        phase=GONE if one.state is None else one.state.phase.value,
        topic=(texts or {}).get(topic, {}).get("text", "") if topic else "",
        when=datetime.fromisoformat(one.card["when"]) if one.card.get("when") else None,
        asked_at=one.row.asked_at,
        people=tuple(p for p in _people(opened, one.card["members"]) if not p.is_me),
        mine=one.card.get("topic_by") == str(opened.me.id),
    )


GONE = services.GONE


def open_rows(opened: OpenBond) -> list[Dialogue]:
    """The bond's dialogues that are not known to be over, each with what I alone know of it. One query."""
    mine = FilteredRelation("own_rows", condition=Q(own_rows__member_id=opened.me.id))
    rows = services.dialogues_of(opened).filter(over_at__isnull=True).annotate(mine=mine)
    rows = rows.annotate(mine_id=F("mine__id"), mine_revision=F("mine__revision"), mine_body=F("mine__body"))
    return list(rows[:OPEN_AT_MOST])


def _laid_aside(opened: OpenBond, row: Any) -> bool:
    if row.mine_id is None:
        return False
    own = DialogueOwn(
        id=row.mine_id,
        revision=row.mine_revision,
        body=row.mine_body,
        member_id=opened.me.id,
        dialogue=row,
    )
    try:
        return bool(own.unseal(opened.keyring.self_key).get("not_now"))
    except vault.VaultError:
        raise Tampered from None


def open_ones(
    opened: OpenBond, rows: Sequence[Dialogue], verbs: Mapping[uuid.UUID, list[dict[str, Any]]] | None = None
) -> tuple[list[Told], list[Told]]:
    """(what is under way or asked, and not laid aside by me; what has run out by itself since), of `open_rows`."""
    now = services.second()
    aside = {row.id for row in rows if _laid_aside(opened, row)}
    found: list[Told] = []
    run_out: list[Told] = []
    for one in services.told_of(opened, rows, verbs) if rows else []:
        if one.state is None or one.state.phase in machine.OVER:
            run_out.append(one)
        elif one.state.phase is not Phase.ASKED:
            found.append(one)
        elif one.state.lapses_at < now:
            run_out.append(one)
        elif one.row.id not in aside:
            found.append(one)
    return found, run_out


def waiting_for_me(opened: OpenBond) -> Waiting:
    """What waits for me here: a dialogue under way, or one that somebody asks me to. One query."""
    rows = open_rows(opened)
    return Waiting([row.id for row in rows], lambda verbs: _waiting(opened, rows, verbs))


def _waiting(
    opened: OpenBond, rows: Sequence[Dialogue], verbs: Mapping[uuid.UUID, list[dict[str, Any]]]
) -> list[tuple[str, str]]:
    found, me = [], str(opened.me.id)
    for one in open_ones(opened, rows, verbs)[0]:
        state = one.the_state
        under_way = state.phase is not Phase.ASKED and me in state.inside
        if under_way or (state.phase is Phase.ASKED and me not in state.accepted):
            who = names_of([opened.person(state.asked_by)])
            says = _("%(title)s is under way") if under_way else _("%(who)s would like to talk: %(title)s")
            found.append((says % {"title": one.script.title, "who": who}, reverse("dialogue", args=[opened.id, one.row.id])))
    return found


def talk(opened: OpenBond) -> Talk:
    """The room's first page."""
    found, run_out = open_ones(opened, open_rows(opened))
    over = services.told_of(opened, list(services.dialogues_of(opened).filter(over_at__isnull=False)[:HISTORY_PAGE]))
    texts = _lines_of(opened, over)
    due = [agreed for one in over for agreed in _agreements(opened, one, texts) if agreed.is_due]
    calm_before = services.counted(over)[0]
    shelf = [
        OnShelf(one, one.later_because is not None and calm_before < 2, library.mark(opened, one))
        for one in library.scripts_for(opened)
    ]
    return Talk(
        under_way=tuple(_line(opened, one) for one in found if one.the_state.phase is not Phase.ASKED),
        asked=tuple(_line(opened, one) for one in found if one.the_state.phase is Phase.ASKED),
        due=tuple(due[:3]),
        calm=tuple(one for one in shelf if one.script.calm),
        deeper=tuple(one for one in shelf if not one.script.calm),
        any_over=any(one.state is None or one.state.order for one in over),
        run_out=tuple(run_out),
    )


def _lines_of(opened: OpenBond, found: Sequence[Told]) -> dict[str, dict[str, Any]]:
    """What some dialogues were about, and what was agreed in them. One query."""
    topics = {one.card["topic"] for one in found if one.card.get("topic")}
    gone = {item for one in found if one.gone is not None for _by, item, _at in one.gone["agreements"]}
    there = {agreed.item for one in found if one.state is not None for agreed in one.state.agreements}
    wanted = {uuid.UUID(item) for item in topics | gone | there}
    return {str(item): payload for item, payload in items_read(opened, wanted).items()}


@dataclass(frozen=True, slots=True)
class Past:
    """A dialogue in the history."""

    line: Line
    agreements: tuple[Agreed, ...]
    kept_line: str
    gone: bool
    left: bool


def history(opened: OpenBond, page: int) -> tuple[list[Past], bool]:
    """(what we talked about, newest first, at most 20; whether there is more). Only what was begun."""
    over = services.dialogues_of(opened).filter(over_at__isnull=False)
    rows = list(over[(page - 1) * HISTORY_PAGE : page * HISTORY_PAGE + 1])
    told = services.told_of(opened, rows[:HISTORY_PAGE], left_too=True)
    own = services.owns_read(opened, rows)
    texts = _lines_of(opened, told)
    found = []
    for one in told:
        if one.state is not None and not one.state.order:
            continue
        mine = own.get(one.row.id, {})
        agreed = () if one.left else _agreements(opened, one, texts)
        line = _line(opened, one, texts)
        found.append(Past(line, agreed, mine.get("line", ""), one.gone is not None, one.left))
    return found, len(rows) > HISTORY_PAGE


@dataclass(frozen=True, slots=True)
class Shown:
    """All of a dialogue that its members may read now."""

    topic: str
    state: str
    said: tuple[Said, ...]
    agreements: tuple[Agreed, ...]
    #: Every text of mine in it, by item.
    mine: tuple[tuple[uuid.UUID, str], ...]


def shown_of(opened: OpenBond, one: Told) -> Shown:
    """A whole dialogue, for a copy of everything; of one that this member left, their own part of it."""
    texts, me = _texts(opened, one), str(opened.me.id)
    turns = [] if one.state is None else [turn for turn in one.state.turns if _tells(turn, texts) or turn.choice]
    said = tuple(_said(opened, one.the_state, turn, texts, me) for turn in turns if turn.by == me or not one.left)
    agreements = () if one.left else _agreements(opened, one, texts)
    topic = one.card.get("topic", "")
    mine = [(uuid.UUID(topic), texts[topic]["text"])] if topic in texts and one.card["topic_by"] == me else []
    mine += [(turn.item, turn.text) for turn in said if turn.item is not None]
    mine += [(agreed.item, agreed.text) for agreed in agreements if agreed.mine]
    return Shown(
        topic=texts.get(topic, {}).get("text", ""),
        state=GONE if one.state is None else one.state.phase.value,
        said=said,
        agreements=agreements,
        mine=tuple(mine),
    )
