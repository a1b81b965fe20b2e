"""What pages about moments show: named, ready values, computed from the machine's view and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from closeknit import vault
from closeknit.method import moment as machine
from closeknit.web import clock
from closeknit.web.bonds import signals
from closeknit.web.bonds.models import Item, Wrap
from closeknit.web.bonds.opened import OpenBond, Person, Tampered, key_for
from closeknit.web.bonds.store import events_read, items_read, key_from, rows_in_pages

from .models import Draft, Moment, OwnPrompt
from .services import departures

OWN = "own:"
PAGE = 20
#: How many of the newest moments Today looks through for what it shows; older ones wait in the thread.
TODAY_LOOKS_AT = 12
TODAY_AT_MOST = 3
COMES_BACK_AFTER = timedelta(days=90)
CHOICE_LABELS = {
    machine.Choice.UNDERSTAND: _("I understand"),
    machine.Choice.THANKS: _("Thank you"),
    machine.Choice.TELL_MORE: _("Tell me more"),
    machine.Choice.WITH_YOU: _("I'm with you"),
}


@dataclass(frozen=True, slots=True)
class PromptCard:
    """A prompt as it was worded when it opened."""

    id: str
    text: str
    why: str
    start: tuple[str, ...]
    stay: str
    level: int
    component: str

    @classmethod
    def of(cls, payload: dict[str, object]) -> PromptCard:
        start = payload.get("start") or []
        return cls(
            id=str(payload.get("id", "")),
            text=str(payload.get("text", "")),
            why=str(payload.get("why", "")),
            start=tuple(str(one) for one in start) if isinstance(start, list) else (),
            stay=str(payload.get("stay", "")),
            level=int(str(payload.get("level") or 0)),
            component=str(payload.get("component", "")),
        )


@dataclass(frozen=True, slots=True)
class Glance:
    """One moment from afar: enough to choose what Today shows, and a line of history."""

    id: uuid.UUID
    opened_at: datetime
    prompt: PromptCard
    view: machine.View
    state: machine.State
    events: tuple[machine.Event, ...]

    @property
    def version(self) -> int:
        """How often this member's page has changed: what a poke is compared with. Worked out only where it is shown."""
        return machine.visible_version(self.events, self.view.member)

    @property
    def revealed(self) -> bool:
        return self.view.phase is machine.Phase.REVEALED

    @property
    def unanswered_responses(self) -> list[str]:
        """Authors whose answer I see and have not responded to yet."""
        done = {r.to for r in self.view.responses if r.by == self.view.member}
        return [answer.by for answer in self.view.visible_answers if answer.by not in done]


@dataclass(frozen=True, slots=True)
class Words:
    person: Person
    text: str
    item: uuid.UUID
    advice: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on a page, with what stands beneath it."""

    person: Person
    text: str
    advice_welcome: bool
    notes: tuple[str, ...]
    responses: tuple[tuple[Person, str], ...]
    words: tuple[Words, ...]
    my_choice: str
    can_respond: bool
    can_say: bool
    can_advise: bool


@dataclass(frozen=True, slots=True)
class MomentPage:
    """Everything a page about one moment shows."""

    glance: Glance
    answers: tuple[Answer, ...]
    mine: Answer | None
    draft: str
    passed: bool
    waiting_names: tuple[str, ...] = ()
    told_names: tuple[str, ...] = ()

    @property
    def view(self) -> machine.View:
        return self.glance.view

    @property
    def stage(self) -> str:
        """Which of the page's faces to show: write, waiting, revealed."""
        if self.glance.view.phase is machine.Phase.REVEALED or self.answers:
            return "revealed" if self.answers or self.mine else "write"
        return "waiting" if self.mine else "write"

    def can(self, act: str) -> bool:
        return act in self.glance.view.can


@dataclass(frozen=True, slots=True)
class Today:
    """At most three things: one in full, two as a line."""

    page: MomentPage | None
    lines: tuple[Glance, ...] = ()
    #: (what waits in another room, its address)
    elsewhere: tuple[tuple[str, str], ...] = ()
    step: str = ""
    back: Glance | None = None
    drawn: int = 0
    #: Strict reveal: all have answered these, and they wait for me to come by.
    to_hand: tuple[uuid.UUID, ...] = ()

    @property
    def count(self) -> int:
        return (self.page is not None) + len(self.lines) + len(self.elsewhere) + (1 if self.step or self.back else 0)


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    glances: tuple[Glance, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One text that holds the words looked for."""

    glance: Glance
    person: Person
    before: str
    hit: str
    after: str


def glances(
    opened: OpenBond, moments: Sequence[Moment], verbs: Mapping[uuid.UUID, list[dict[str, Any]]] | None = None
) -> list[Glance]:
    """Moments with their state, in the given order. Two queries, none if their verbs are at hand. Those this member was
    never asked to are left out."""
    me = str(opened.me.id)
    verbs = events_read(opened, [moment.id for moment in moments]) if verbs is None else verbs
    found: list[Glance] = []
    for moment in moments:
        events = [machine.Event.from_payload(payload) for payload in verbs[moment.id]]
        if not events:
            continue
        state = machine.fold(events)
        for left in departures(opened, moment.epoch, state):
            events.append(left)
            state = machine.step(state, left)
        if me not in state.members:
            continue
        try:
            card = moment.unseal(key_for(opened.keys, moment.body))
        except vault.VaultError:
            raise Tampered from None
        found.append(
            Glance(
                id=moment.id,
                opened_at=moment.opened_at,
                prompt=PromptCard.of(card),
                view=machine.view(state, me),
                state=state,
                events=tuple(events),
            )
        )
    return _with_own_prompts(opened, found)


def _with_own_prompts(opened: OpenBond, found: list[Glance]) -> list[Glance]:
    """A prompt of a member's own is that member's: a moment holds its id alone, so that it can be taken back."""
    ids = {glance.prompt.id.removeprefix(OWN) for glance in found if _is_own(glance)}
    if not ids:
        return found
    texts = {}
    for row in OwnPrompt.objects.filter(bond_id=opened.id, pk__in=ids):
        try:
            texts[f"{OWN}{row.id}"] = row.unseal(key_for(opened.keys, row.body))["text"]
        except vault.VaultError:
            raise Tampered from None
    gone = str(_("A prompt that its author took back"))
    return [
        replace(glance, prompt=replace(glance.prompt, text=texts.get(glance.prompt.id, gone))) if _is_own(glance) else glance
        for glance in found
    ]


def _is_own(glance: Glance) -> bool:
    return glance.prompt.id.startswith(OWN) and not glance.prompt.text


def moments_of(opened: OpenBond):  # type: ignore[no-untyped-def]
    """The bond's moments that this member's keys reach, newest first."""
    return Moment.objects.filter(bond_id=opened.id, epoch__gte=opened.first_epoch).order_by("-opened_at", "-id")


def moment_glance(opened: OpenBond, moment_id: uuid.UUID) -> Glance | None:
    """One moment, or None where this member has none."""
    row = moments_of(opened).filter(pk=moment_id).first()
    found = glances(opened, [row]) if row is not None else []
    return found[0] if found else None


def moments_in_pages(opened: OpenBond, size: int) -> Iterator[list[Moment]]:
    """All moments that this member's keys reach, newest first, `size` a query."""
    return rows_in_pages(moments_of(opened), "opened_at", size)


def moment_page(opened: OpenBond, glance: Glance, drafts: dict[uuid.UUID, dict[str, Any]]) -> MomentPage:
    """One moment in full. One query: only items that the view shows are loaded, never another's closed answer."""
    return moment_pages(opened, [glance], drafts)[0]


def moment_pages(
    opened: OpenBond, found: Sequence[Glance], drafts: dict[uuid.UUID, dict[str, Any]]
) -> list[MomentPage]:
    """Several moments in full, in the given order. One query, as for one."""
    ids = {uuid.UUID(item) for glance in found for item in _visible_items(glance.view)}
    texts = {str(item): payload["text"] for item, payload in items_read(opened, ids).items()}
    return [_page(opened, glance, drafts.get(glance.id, {}), texts) for glance in found]


def _page(opened: OpenBond, glance: Glance, written: dict[str, Any], texts: dict[str, str]) -> MomentPage:
    view, mine = glance.view, None
    if view.my_answer is not None:
        own = view.my_answer
        mine = _answer(opened, view, str(opened.me.id), own.item, own.advice_welcome, own.notes, texts)
    return MomentPage(
        glance=glance,
        answers=tuple(
            _answer(opened, view, seen.by, seen.item, seen.advice_welcome, seen.notes, texts)
            for seen in view.visible_answers
        ),
        mine=mine,
        draft=written.get("text", ""),
        passed=bool(written.get("passed")),
        waiting_names=tuple(opened.person(one).name for one in view.taking_part if one != view.member),
        told_names=tuple(opened.person(one).name for one in sorted(view.others_told)),
    )


def _answer(
    opened: OpenBond,
    view: machine.View,
    by: str,
    item: str,
    advice_welcome: bool,
    notes: Iterable[str],
    texts: dict[str, str],
) -> Answer:
    responses = [r for r in view.responses if r.to == by]
    return Answer(
        person=opened.person(by),
        text=texts.get(item, ""),
        advice_welcome=advice_welcome,
        notes=tuple(texts[note] for note in notes if note in texts),
        responses=tuple((opened.person(r.by), str(CHOICE_LABELS[r.choice])) for r in responses),
        words=tuple(
            Words(opened.person(w.by), texts[w.item], uuid.UUID(w.item), w.advice, w.by == view.member)
            for w in view.said
            if w.to == by and w.item in texts
        ),
        my_choice=next((r.choice.value for r in responses if r.by == view.member), ""),
        can_respond=machine.act(machine.Act.RESPOND, by) in view.can,
        can_say=machine.act(machine.Act.SAY, by) in view.can,
        can_advise=machine.act(machine.Act.ADVISE, by) in view.can,
    )


def drafts_of(opened: OpenBond, among: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """What I am writing in these moments, and which of them I let pass. One query."""
    drafts = Draft.objects.filter(member_id=opened.me.id, moment_id__in=list(among))
    return {draft.moment_id: draft.unseal(opened.keyring.self_key) for draft in drafts}


def today(opened: OpenBond, *, may_ask_level: bool = False) -> Today:
    """What Today shows: the moment that most wants me, at most two more lines, or one small next step."""
    now = clock.now()
    drawn = int(now.timestamp() * 1000)
    pivot = now - COMES_BACK_AFTER - timedelta(days=now.toordinal() % 60)
    # The newest, and the newest of those that may come back, in one query. Joined by OR, all of the thread would be read.
    aged = moments_of(opened).filter(revealed_at__isnull=False, opened_at__lte=pivot)
    parts = moments_of(opened)[:TODAY_LOOKS_AT], aged[:1]
    newest, back_again = (Moment.objects.filter(pk__in=part.values("pk")) for part in parts)
    found = list(newest.union(back_again).order_by("-opened_at", "-id"))
    rows = found[:TODAY_LOOKS_AT]
    old = next((row for row in found if row.revealed_at and row.opened_at <= pivot), None)
    old = old or (rows[-1] if rows and rows[-1].revealed_at and rows[-1].opened_at <= now - COMES_BACK_AFTER else None)
    waits = [answer for _receiver, answer in signals.waiting_wanted.send(sender=Moment, opened=opened)]
    verbs = events_read(opened, [*(row.id for row in found), *(stream for wait in waits for stream in wait.streams)])
    seen = {glance.id: glance for glance in glances(opened, found, verbs)}
    fresh = [seen[row.id] for row in rows if row.id in seen]
    drafts = drafts_of(opened, [g.id for g in fresh if g.view.my_answer is None])
    passed = {moment for moment, draft in drafts.items() if draft.get("passed")}
    wanting = [g for g in fresh if g.unanswered_responses]
    writable = [g for g in fresh if machine.Act.ANSWER.value in g.view.can and not g.revealed and g.id not in passed]
    waiting = [g for g in fresh if g.view.waiting and g.id not in passed]
    ordered = wanting + writable + waiting
    first = ordered[0] if ordered else next((g for g in fresh if g.revealed and _recent(g, now)), None)
    asked = [line for wait in waits for line in wait.tell(verbs)]
    elsewhere = tuple(asked[: TODAY_AT_MOST - (first is not None)])
    lines = tuple(g for g in ordered if first is not None and g.id != first.id)[: TODAY_AT_MOST - 1 - len(elsewhere)]
    back, step = None, ""
    room = TODAY_AT_MOST - len(lines) - len(elsewhere) - (first is not None)
    if room > 0 and may_ask_level:
        step = "level"
    elif room > 0 and old is not None and old.id in seen and (first is None or old.id != first.id):
        glance = seen[old.id]
        mine = glance.view.my_answer
        back = glance if mine is not None and not mine.notes else None
    page = moment_page(opened, first, drafts) if first is not None else None
    to_hand = tuple(g.id for g in fresh if machine.Act.HAND_OVER.value in g.view.can)
    return Today(page=page, lines=lines, elsewhere=elsewhere, step=step, back=back, drawn=drawn, to_hand=to_hand)


def _recent(glance: Glance, now: datetime) -> bool:
    return now - glance.opened_at < timedelta(days=2)


# -- history ----------------------------------------------------------------------------------------------------------


def months(opened: OpenBond, zone: ZoneInfo) -> list[date]:
    """All months from the newest moment's back to the oldest's, by the member's own calendar.

    Two look-ups in an index, however long the thread; asking which months have something would read all of it.
    """
    opened_at = moments_of(opened).values_list("opened_at", flat=True)
    newest, oldest = opened_at.first(), opened_at.last()
    if newest is None or oldest is None:
        return []
    first = oldest.astimezone(zone).date().replace(day=1)
    month = newest.astimezone(zone).date().replace(day=1)
    found = []
    while month >= first:
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def month_page(opened: OpenBond, zone: ZoneInfo, first: date | None, page: int) -> tuple[list[Month], bool]:
    """(moments by month, whether there are more): at most 20, newest first, from one month or from the newest on."""
    rows = moments_of(opened)
    if first is not None:
        start = datetime(first.year, first.month, 1, tzinfo=zone)
        following = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=zone)
        rows = rows.filter(opened_at__gte=start, opened_at__lt=following)
    shown = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    found = glances(opened, shown[:PAGE])
    grouped = groupby(found, key=lambda g: g.opened_at.astimezone(zone).date().replace(day=1))
    return [Month(day, tuple(group)) for day, group in grouped], len(shown) > PAGE


# -- search -----------------------------------------------------------------------------------------------------------


def search(opened: OpenBond, words: str, *, most: int = PAGE) -> list[Found]:
    """Texts of mine, and shared texts I can see, that hold `words`; newest first. Opened in memory, kept nowhere.

    Another's text is only looked at in moments that are revealed, and only shown if the machine's view shows it.
    """
    needle = words.casefold().strip()
    if not needle:
        return []
    revealed = Moment.objects.filter(bond_id=opened.id, epoch__gte=opened.first_epoch, revealed_at__isnull=False)
    mine = Q(item__author_id=opened.me.id, target=Wrap.Target.SELF)
    shared = Q(target=Wrap.Target.BOND, item__stream__in=revealed.values("id")) & ~Q(item__author_id=opened.me.id)
    wraps = Wrap.objects.filter(mine | shared, item__bond_id=opened.id).select_related("item")
    hits: dict[uuid.UUID, list[tuple[Item, str]]] = {}
    for wrap in wraps.iterator(chunk_size=2000):
        text = _item_text(opened, wrap)
        if text is not None and needle in text.casefold():
            hits.setdefault(wrap.item.stream, []).append((wrap.item, text))
    found: list[Found] = []
    rows = list(moments_of(opened).filter(pk__in=list(hits)))
    for start in range(0, len(rows), PAGE):
        for glance in glances(opened, rows[start : start + PAGE]):
            visible = _visible_items(glance.view)
            for item, text in hits[glance.id]:
                if str(item.id) in visible:
                    found.append(_found(opened, glance, item, text, needle))
        if len(found) >= most:
            break
    return found[:most]


def _item_text(opened: OpenBond, wrap: Wrap) -> str | None:
    under = opened.keyring.self_key if wrap.target == Wrap.Target.SELF else opened.keys.get(wrap.epoch)
    if under is None:
        return None
    try:
        return str(wrap.item.unseal(key_from(wrap.unseal(under)["k"]))["text"])
    except vault.VaultError:
        raise Tampered from None


def _visible_items(view: machine.View) -> set[str]:
    items = {words.item for words in view.said}
    for answer in view.visible_answers:
        items |= {answer.item, *answer.notes}
    if view.my_answer is not None:
        items |= {view.my_answer.item, *view.my_answer.notes}
    return items


def _found(opened: OpenBond, glance: Glance, item: Item, text: str, needle: str) -> Found:
    at = text.casefold().find(needle)
    at = at if at >= 0 and len(text.casefold()) == len(text) else max(text.lower().find(needle), 0)
    start, end = max(0, at - 60), at + len(needle)
    return Found(
        glance=glance,
        person=opened.person(item.author_id),
        before=("…" if start else "") + text[start:at],
        hit=text[at:end],
        after=text[end : end + 90] + ("…" if len(text) > end + 90 else ""),
    )


def own_prompts(opened: OpenBond) -> list[tuple[OwnPrompt, str, Person]]:
    """Prompts that members wrote for this bond, newest first."""
    found = []
    for row in OwnPrompt.objects.filter(bond_id=opened.id).order_by("-written_at")[:100]:
        found.append((row, row.unseal(key_for(opened.keys, row.body))["text"], opened.person(row.author_id)))
    return found
