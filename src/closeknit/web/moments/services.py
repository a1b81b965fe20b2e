"""What members do with a moment. Each is one short transaction under the bond's row lock."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from closeknit import vault
from closeknit.method import choice
from closeknit.method import moment as machine
from closeknit.vault.envelope import MAX_PLAINTEXT_BYTES
from closeknit.web import clock, live
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Bond, BondRow, Item, Wrap
from closeknit.web.bonds.opened import OpenBond, key_for
from closeknit.web.bonds.store import (
    NotThere,
    events_append,
    events_read,
    hold,
    item_share,
    item_write,
    items_read,
)
from closeknit.web.tasks import checkpoint_soon

from .models import Draft, Moment, OwnPrompt

DeckChange = Callable[[dict[str, Any]], dict[str, Any]]


class TooDeep(Exception):
    """A prompt deeper than prompts may go here now, by what all agreed to or by somebody's age. Never said which."""


# -- opening ----------------------------------------------------------------------------------------------------------


def moment_open(opened: OpenBond, prompt: dict[str, Any], *, founding: bool = False) -> Moment:
    """Open a prompt for everyone in the bond. Everyone is asked; nobody is shown to have been told by whom to hurry.

    prompt: the card as `deck.card_of` makes it. Raises store.Stale, TooDeep.
    """
    with transaction.atomic():
        hold(opened)
        ensure_depth(opened, prompt)
        moment = Moment(bond_id=opened.id, epoch=opened.epoch, opened_at=clock.now())
        moment.seal(opened.key, prompt, epoch=opened.epoch)
        moment.save(force_insert=True)
        event = machine.Event.opened(
            str(opened.me.id),
            sorted(str(person.id) for person in opened.people),
            circle=opened.bond.kind == Bond.Kind.CIRCLE,
            strict=opened.strict,
            founding=founding,
        )
        events_append(opened, moment.id, [event.to_payload()])
        _poke(opened, [str(person.id) for person in opened.others], moment.id, [event])
    return moment


def ensure_depth(opened: OpenBond, prompt: dict[str, Any]) -> None:
    """Raises TooDeep. With the bond's row held, and by who is in it now: somebody may have joined since the page was made."""
    if not _fits(prompt, minors=bonds.minors_in(opened.id)):
        raise TooDeep


def _fits(prompt: dict[str, Any], *, minors: bool) -> bool:
    """Whether a card's depth, if it has one, may be opened."""
    return int(prompt.get("level") or 0) <= choice.deepest(minors=minors)


def moment_admit(opened: OpenBond) -> None:
    """A newcomer joins the bond's first moments that are still closed, unless they are under 18 and it is too deep for
    that. Inside the joining's transaction."""
    minors = bonds.minors_in(opened.id)
    for moment in Moment.objects.filter(bond_id=opened.id, revealed_at__isnull=True, epoch=opened.epoch):
        if not _fits(moment.unseal(opened.key), minors=minors):
            continue
        events = _events(opened, moment.id)
        if not events:
            continue
        events += departures(opened, moment.epoch, machine.fold(events))
        event = machine.Event.joined(str(opened.me.id))
        if machine.can(machine.fold(events), event):
            events_append(opened, moment.id, [event.to_payload()])


def departures(opened: OpenBond, epoch: int, state: machine.State) -> list[machine.Event]:
    """What follows for a moment from who has left since: events that are true already and not yet written down.

    Whoever leaves writes them into what was open; a revealed moment learns of it when it is next read, so that leaving
    is quick however long the thread. Whoever came back began anew: what was opened before is none of theirs.
    """
    here = {str(person.id) for person in opened.people if person.since <= epoch}
    stayed = {str(person.id) for person in opened.past}
    if opened.bond.leave_rule == Bond.LeaveRule.WORDS_STAY:
        stayed |= {str(person.id) for person in opened.people}
    gone = sorted(state.members - here)
    return [machine.Event.left(one, words_stay=one in stayed) for one in gone]


# -- acting -----------------------------------------------------------------------------------------------------------


def _events(opened: OpenBond, moment_id: uuid.UUID) -> list[machine.Event]:
    return [machine.Event.from_payload(payload) for payload in events_read(opened, [moment_id])[moment_id]]


def _act(
    opened: OpenBond, moment_id: uuid.UUID, make: Callable[[machine.State, Moment], list[machine.Event]]
) -> machine.State:
    """Lock, read, let `make` say what happens (writing its items meanwhile), check, append, poke whom it shows for.

    Raises NotThere, store.Stale, machine.MomentError (then nothing was written).
    """
    with transaction.atomic():
        opened.bond = hold(opened)
        moment = Moment.objects.filter(pk=moment_id, bond_id=opened.id, epoch__gte=opened.first_epoch).first()
        if moment is None:
            raise NotThere
        events = _events(opened, moment_id)
        before = machine.fold(events)
        gone = departures(opened, moment.epoch, before)
        after = machine.fold([*events, *gone])
        added = make(after, moment)
        for event in added:
            after = machine.step(after, event)
        handing = _hand_over(opened, after)
        for event in handing:
            after = machine.step(after, event)
        added += handing
        if added:
            added = [*gone, *added]
            events_append(opened, moment_id, [event.to_payload() for event in added])
        if after.revealed and moment.revealed_at is None:
            _revealed(moment)
        if after.revealed or any(answer.released for answer in after.answers):
            _opened_together(opened)
        _take_lapsed_back(before, after)
        # Who left learns nothing more, not even that something happens where they were.
        changed = machine.changed_for(before, after) - {str(opened.me.id)} - {event.by for event in gone}
        _poke(opened, changed, moment_id, [*events, *added])
    return after


def _hand_over(opened: OpenBond, state: machine.State) -> list[machine.Event]:
    """Strict reveal: all have answered and I am here, so the bond gets the key of my answer. Nobody sees it before the
    last of us has come by."""
    event = machine.Event.handed(str(opened.me.id))
    mine = state.answer_of(event.by)
    if mine is None or not state.strict or not machine.can(state, event):
        return []
    item_share(opened, Item.objects.get(pk=mine.item, author_id=opened.me.id))
    return [event]


def _take_lapsed_back(before: machine.State, after: machine.State) -> None:
    """Strict reveal: somebody took an answer back meanwhile, so what was handed over is its author's alone again."""
    if after.revealed or not before.strict:
        return
    kept = {answer.item for answer in after.answers if answer.handed or answer.released}
    lapsed = [answer.item for answer in before.answers if answer.handed and answer.item not in kept]
    if lapsed:
        Wrap.objects.filter(item_id__in=lapsed, target=Wrap.Target.BOND).delete()
        transaction.on_commit(checkpoint_soon)


def come_by(opened: OpenBond, moment_id: uuid.UUID) -> None:
    """I look at a moment in which all have answered: hand my answer over, if the bond waits for that."""
    _act(opened, moment_id, lambda _state, _moment: [])


def _revealed(moment: Moment) -> None:
    moment.revealed_at = clock.now()
    moment.save(update_fields=["revealed_at"])


def _opened_together(opened: OpenBond) -> None:
    if not opened.bond.opened_together:
        bonds.together_note(opened)


def _poke(opened: OpenBond, members: Any, moment_id: uuid.UUID, events: list[machine.Event]) -> None:
    versions = {member: machine.visible_version(events, member) for member in members}
    now = bonds.live_version()

    def send() -> None:
        for member, version in versions.items():
            live.poke([uuid.UUID(member)], f"moment:{moment_id}", version)
        live.poke([uuid.UUID(member) for member in versions], f"bond:{opened.id}", now)

    if versions:
        transaction.on_commit(send)


def answer_share(
    opened: OpenBond,
    moment_id: uuid.UUID,
    text: str,
    *,
    rule: machine.Rule = machine.Rule.ALL,
    told: bool = True,
    advice_welcome: bool = False,
    let_see: bool = False,
) -> machine.State:
    """Share my answer; it opens when the moment does. A second submit of the same form changes nothing."""
    me = str(opened.me.id)

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        if state.answer_of(me) is not None:
            return []
        item = item_write(opened, moment_id, {"text": text}, shared=not state.strict or state.revealed)
        Draft.objects.filter(member_id=opened.me.id, moment=moment).delete()
        return [
            machine.Event.answered(
                me, str(item.id), rule=rule, told=told, advice_welcome=advice_welcome, let_see=let_see
            )
        ]

    return _act(opened, moment_id, make)


def answer_withdraw(opened: OpenBond, moment_id: uuid.UUID) -> machine.State:
    """Take my answer back: the shared text and its keys are deleted, the words become my draft again."""
    me = str(opened.me.id)

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        mine = state.answer_of(me)
        if mine is None:
            return []
        ids = [uuid.UUID(item) for item in (mine.item, *mine.notes)]
        texts = items_read(opened, ids)
        draft_write(opened, moment, _what_fits([texts[item]["text"] for item in ids if item in texts]))
        Item.objects.filter(pk__in=ids, author_id=opened.me.id).delete()
        transaction.on_commit(checkpoint_soon)
        return [machine.Event.withdrew(me)]

    return _act(opened, moment_id, make)


def _what_fits(texts: list[str]) -> str:
    """An answer and its notes as one draft: as many as one envelope holds. Taking back must never fail."""
    kept = ""
    for text in texts:
        longer = f"{kept}\n\n{text}" if kept else text
        if len(vault.pack({"text": longer, "passed": False})) > MAX_PLAINTEXT_BYTES:
            break
        kept = longer
    return kept


def answer_event(opened: OpenBond, moment_id: uuid.UUID, event: machine.Event) -> machine.State:
    """Any act that is a verb alone: release, rule, told, let see, take part, step out, respond."""

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        if event.verb is machine.Verb.RELEASED and state.strict:
            mine = state.answer_of(event.by)
            if mine is not None:
                item_share(opened, Item.objects.get(pk=mine.item, author_id=opened.me.id))
        return [] if _already(state, event) else [event]

    return _act(opened, moment_id, make)


def _already(state: machine.State, event: machine.Event) -> bool:
    """Whether a repeated form asks for what is so already."""
    mine = state.answer_of(event.by)
    match event.verb:
        case machine.Verb.RELEASED:
            return mine is not None and mine.released
        case machine.Verb.TAKING_PART:
            return event.by in state.said_yes
        case machine.Verb.RESPONDED:
            return any((r.by, r.to, r.choice) == (event.by, event.to, event.choice) for r in state.responses)
        case _:
            return False


def words_say(opened: OpenBond, moment_id: uuid.UUID, to: str, text: str, *, advice: bool = False) -> machine.State:
    """Words beneath an answer, after the first response."""

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        item = item_write(opened, moment_id, {"text": text}, shared=True)
        return [machine.Event.said(str(opened.me.id), to, str(item.id), advice=advice)]

    return _act(opened, moment_id, make)


def words_unsay(opened: OpenBond, moment_id: uuid.UUID, item_id: uuid.UUID) -> machine.State:
    """Take words of mine back; they are deleted."""

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        Item.objects.filter(pk=item_id, author_id=opened.me.id, stream=moment_id).delete()
        transaction.on_commit(checkpoint_soon)
        return [machine.Event.unsaid(str(opened.me.id), str(item_id))]

    return _act(opened, moment_id, make)


def change_note(opened: OpenBond, moment_id: uuid.UUID, text: str) -> machine.State:
    """What changed since: a note under an old answer of mine."""

    def make(state: machine.State, moment: Moment) -> list[machine.Event]:
        item = item_write(opened, moment_id, {"text": text}, shared=True)
        return [machine.Event.changed(str(opened.me.id), str(item.id))]

    return _act(opened, moment_id, make)


# -- when someone goes, and when keys change ----------------------------------------------------------------------------


def moments_leave(bond: Bond, member_id: uuid.UUID, *, words_stay: bool, opened: OpenBond | None) -> None:
    """End kindly what is still open for someone who goes: nobody waits for them, and what they had not shown is theirs.

    opened: whoever acts, with the bond's key, so that others' pages hear of it at once; None where there is no key.
    """
    moments = list(Moment.objects.filter(bond=bond, revealed_at__isnull=True))
    shown: set[str] = set()
    if opened is not None:
        reached = [moment for moment in moments if moment.epoch >= opened.first_epoch]
        verbs = events_read(opened, [moment.id for moment in reached])
        for moment in reached:
            events = [machine.Event.from_payload(payload) for payload in verbs[moment.id]]
            if events:
                shown |= _leave_one(opened, moment, events, str(member_id), words_stay)
    hidden = Wrap.objects.filter(
        item__author_id=member_id, item__stream__in=[moment.id for moment in moments], target=Wrap.Target.BOND
    )
    hidden.exclude(item_id__in=shown).delete()
    if not words_stay:
        OwnPrompt.objects.filter(bond=bond, author_id=member_id).delete()


def _leave_one(
    opened: OpenBond, moment: Moment, events: list[machine.Event], who: str, words_stay: bool
) -> set[str]:
    """Write into one open moment that someone left. Returns the items of theirs that stay shown."""
    before = machine.fold(events)
    event = machine.Event.left(who, words_stay=words_stay)
    if not machine.can(before, event):
        return set()
    after = machine.step(before, event)
    events_append(opened, moment.id, [event.to_payload()])
    if after.revealed:
        _revealed(moment)
        _opened_together(opened)
    _take_lapsed_back(before, after)
    _poke(opened, machine.changed_for(before, after) - {who}, moment.id, [*events, event])
    kept = {answer.item for answer in after.answers if answer.by == who}
    return kept | ({words.item for words in after.words if words.by == who} if words_stay else set())


def moments_rewrap(opened: OpenBond) -> None:
    """After a change of key: my answers that are not shown yet move to the new one, which who left does not have."""
    open_ones = Moment.objects.filter(bond_id=opened.id, revealed_at__isnull=True)
    wraps = Wrap.objects.filter(
        item__author_id=opened.me.id,
        item__stream__in=open_ones.values("id"),
        item__bond_id=opened.id,
        target=Wrap.Target.BOND,
        epoch__lt=opened.epoch,
    )
    for wrap in wraps.select_related("item"):
        item_share(opened, wrap.item)


def words_of_mine(opened: OpenBond) -> tuple[dict[uuid.UUID, dict[str, Any]], list[dict[str, Any]]]:
    """(what is known about each item of mine: prompt, day, kind; what of mine was never sent): to take along.

    Less what was shared here before I left and came back: that came along then, and its prompts no longer open for me.
    """
    mine = set(Item.objects.filter(author_id=opened.me.id, bond_id=opened.id).values_list("id", "stream"))
    drafts = list(Draft.objects.filter(member_id=opened.me.id, moment__bond_id=opened.id))
    streams = {stream for _item, stream in mine} | {draft.moment_id for draft in drafts}
    prompts, before = _prompts_of(opened, streams)
    about = {item: prompts.get(stream, {}) for item, stream in mine if stream not in before}
    unsent = []
    for draft in drafts:
        text = draft.unseal(opened.keyring.self_key)["text"]
        if text:
            unsent.append({**prompts.get(draft.moment_id, {}), "kind": "draft", "text": text, "source": str(draft.id)})
    about |= {item: {"kind": "prompt"} for item, stream in mine if stream == opened.id}
    for row in OwnPrompt.objects.filter(bond_id=opened.id, author_id=opened.me.id, pk__in=about):
        about[row.id]["at"] = row.written_at.isoformat()
    return about, unsent


def _prompts_of(
    opened: OpenBond, streams: set[uuid.UUID]
) -> tuple[dict[uuid.UUID, dict[str, Any]], set[uuid.UUID]]:
    """(what each moment asked, and when; those from before I came back)."""
    found, before = {}, set()
    for moment in Moment.objects.filter(bond_id=opened.id).iterator(chunk_size=500):
        if moment.id not in streams:
            continue
        if moment.epoch < opened.first_epoch:
            before.add(moment.id)
            continue
        card = moment.unseal(key_for(opened.keys, moment.body))
        found[moment.id] = {"prompt": card.get("text", ""), "at": moment.opened_at.isoformat()}
    return found, before


def drafts_forget(member_id: uuid.UUID, bond: Bond) -> None:
    """What was never sent has gone along; no copy stays behind."""
    Draft.objects.filter(member_id=member_id, moment__bond=bond).delete()


# -- what nobody else sees --------------------------------------------------------------------------------------------


def draft_write(opened: OpenBond, moment: Moment, text: str, *, passed: bool = False) -> None:
    """Save what I am writing, for me alone."""
    with transaction.atomic():
        draft = Draft.objects.filter(member_id=opened.me.id, moment=moment).first()
        draft = draft or Draft(member_id=opened.me.id, moment=moment)
        draft.seal(opened.keyring.self_key, {"text": text, "passed": passed})
        draft.save()


def draft_pass(opened: OpenBond, moment: Moment) -> None:
    """Let this one pass. To everyone else it is silence."""
    draft = Draft.objects.filter(member_id=opened.me.id, moment=moment).first()
    text = draft.unseal(opened.keyring.self_key)["text"] if draft else ""
    draft_write(opened, moment, text, passed=True)


def wishes_write(opened: OpenBond, *, level: int, avoid: list[str], now: Iterable[str] = ()) -> None:
    """My private yes to a depth, the kinds of prompt I would rather not get, and what holds for us just now."""
    with transaction.atomic():
        hold(opened)
        payload = {"level": level, "not": sorted(set(avoid)), "now": sorted(set(now))}
        bonds.row_write(opened, vault.Place.MEMBERSHIP_WISHES, payload, member=opened.me.id)


def wishes_of_all(opened: OpenBond) -> tuple[int, frozenset[str], frozenset[str]]:
    """(the depth all have agreed to, the kinds somebody would rather not get, what all said holds for them just now).
    Only for choosing a prompt, never shown."""
    level, avoid, now = 5, set(), None
    ids = [person.id for person in opened.people]
    for row in BondRow.objects.filter(bond_id=opened.id, member_id__in=ids, place=vault.Place.MEMBERSHIP_WISHES):
        payload = opened.row_payload(row)
        level = min(level, int(payload["level"]))
        avoid |= set(payload["not"])
        said = frozenset(payload.get("now", ()))
        now = said if now is None else now & said
    return level, frozenset(avoid), now or frozenset()


# -- own prompts ------------------------------------------------------------------------------------------------------


def own_prompt_write(opened: OpenBond, text: str) -> OwnPrompt:
    """A prompt of our own for this bond; everyone in it can open it.

    Its author holds it under their own key, too: whoever is asked to go takes it along, though its row is gone by then.
    """
    with transaction.atomic():
        hold(opened)
        own = item_write(opened, opened.id, {"text": text}, shared=False)
        prompt = OwnPrompt(id=own.id, bond_id=opened.id, author_id=opened.me.id, written_at=clock.now())
        prompt.seal(opened.key, {"text": text}, epoch=opened.epoch)
        prompt.save(force_insert=True)
    return prompt


def own_prompt_delete(opened: OpenBond, prompt_id: uuid.UUID) -> bool:
    """Take back a prompt I wrote. Returns whether there was one."""
    with transaction.atomic():
        gone, _rows = OwnPrompt.objects.filter(pk=prompt_id, bond_id=opened.id, author_id=opened.me.id).delete()
        Item.objects.filter(pk=prompt_id, stream=opened.id, author_id=opened.me.id).delete()
        transaction.on_commit(checkpoint_soon)
    return bool(gone)
