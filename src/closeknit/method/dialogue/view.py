"""What one member's page may show of a dialogue. A page shows a view and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..scripts import Act, Option, Side, Stage
from .errors import NotInIt
from .events import Choice, Event, MemberId, Verb, Verdict, Wish
from .machine import SHORTEST_AWAY, can
from .state import OVER, Agreement, Phase, Spot, State, Turn


@dataclass(frozen=True, slots=True)
class View:
    """One member's side of a dialogue at a second.

    side: what they read now. mine: whether it is their turn. can: the acts that are open to them, by verb; an option as
    `chose:ID`, a private wish as `wish`. (Taking back is not among them: one's own typed turns and agreements always can
    be.) turns: what was said in the present round; before: in earlier ones. waits: for how many others it waits; who they
    are shows only where they hold the floor. cue: the stage's soft time is over. slower: who asked the speaker to go
    slower.
    """

    member: MemberId
    phase: Phase
    step: int
    stage: Stage | None
    side: Side | None
    part_title: str
    mine: bool
    floor: MemberId | None
    lead: MemberId | None
    listener: MemberId | None
    spot: Spot | None
    inside: tuple[MemberId, ...]
    outside: tuple[MemberId, ...]
    accepted: frozenset[MemberId]
    ready: frozenset[MemberId]
    turns: tuple[Turn, ...]
    before: tuple[Turn, ...]
    options: tuple[Option, ...]
    card: tuple[int, int] | None
    waits: int
    cue: bool
    slower: MemberId
    since: int
    back: frozenset[MemberId]
    away_by: MemberId
    back_at: int
    agreements: tuple[Agreement, ...]
    kept: bool
    notes: bool
    can: frozenset[str]


def _samples(state: State, member: MemberId, at: int, hand: MemberId) -> Iterator[tuple[str, Event]]:
    """(name, an event of each kind that this member might send now)."""
    step = state.step
    for verb in (Verb.ACCEPTED, Verb.PAUSED, Verb.ENDED):
        yield verb.value, Event(verb=verb, by=member, at=at, hand=hand)
    yield Verb.READY.value, Event(verb=Verb.READY, by=member, at=at, notes=True, hand=hand)
    yield Verb.AWAY.value, Event(verb=Verb.AWAY, by=member, at=at, back_at=at + SHORTEST_AWAY, hand=hand)
    yield (
        Verb.EXTENDED.value,
        Event(verb=Verb.EXTENDED, by=member, at=at, back_at=max(state.back_at, at) + 1, hand=hand),
    )
    for verb in (
        Verb.RESUMED,
        Verb.DONE,
        Verb.LET_REST,
        Verb.REPHRASED,
        Verb.SWAPPED,
        Verb.PASSED,
        Verb.SKIPPED,
        Verb.FLOOR_ASKED,
        Verb.SLOWER,
    ):
        yield verb.value, Event(verb=verb, by=member, at=at, step=step, hand=hand)
    for verb in (Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED):
        yield verb.value, Event(verb=verb, by=member, at=at, step=step, item="", hand=hand)
    yield (
        Verb.JUDGED.value,
        Event(verb=Verb.JUDGED, by=member, at=at, step=step, verdict=Verdict.YES, item="", hand=hand),
    )
    yield Verb.MORE.value, Event(verb=Verb.MORE, by=member, at=at, step=step, more=False, hand=hand)
    yield (
        Verb.RESPONDED.value,
        Event(verb=Verb.RESPONDED, by=member, at=at, step=step, choice=Choice.THANKS, hand=hand),
    )
    if state.phase is Phase.RUNNING and state.the_stage.act is Act.CHOOSE:
        for option in state.the_stage.options:
            name = f"{Verb.CHOSE.value}:{option.id}"
            yield name, Event(verb=Verb.CHOSE, by=member, at=at, step=step, option=option.id, hand=hand)
    if hand:
        return
    for verb in (Verb.CAME_IN, Verb.LEFT, Verb.KEPT):
        yield verb.value, Event(verb=verb, by=member, at=at)
    order = tuple(one for one in state.members if one in state.ready)
    yield Verb.BEGUN.value, Event(verb=Verb.BEGUN, by=member, at=at, order=order)
    yield "wish", Event(verb=Verb.WISHED, by=member, at=at, step=step, wish=Wish.STAY)
    yield Verb.AGREED.value, Event(verb=Verb.AGREED, by=member, at=at, item="-", back_at=0)


def acts(state: State, member: MemberId, at: int, hand: MemberId = "") -> frozenset[str]:
    """What this member could do now, by name; with `hand`, what could be done for them on the device passed round."""
    return frozenset(name for name, event in _samples(state, member, at, hand) if can(state, event))


def view(state: State, member: MemberId, at: int) -> View:
    """What this member's page shows at a second. Raises NotInIt for anyone who was not asked or has left."""
    if member not in state.members or member not in state.here:
        raise NotInIt
    running = state.phase is Phase.RUNNING
    begun = bool(state.order) and state.phase not in OVER
    stage = state.the_stage if begun else None
    mine = member in state.acting
    side = None
    if stage is not None:
        side = stage.acting if mine or stage.watching is None else stage.watching
    shown = tuple(turn for turn in state.turns if turn.by == member or not _quiet(state, turn))
    return View(
        member=member,
        phase=state.phase,
        step=state.step,
        stage=stage,
        side=side,
        part_title=state.the_part.title if begun else "",
        mine=mine,
        floor=state.floor,
        lead=state.lead if begun else None,
        listener=state.listener if begun else None,
        spot=state.loop.spot if state.loop is not None and begun else None,
        inside=state.inside,
        outside=tuple(one for one in state.members if one in state.here and one not in state.order),
        accepted=state.accepted,
        ready=state.ready,
        turns=tuple(turn for turn in shown if begun and state.in_round(turn)),
        before=tuple(turn for turn in shown if not begun or not state.in_round(turn)),
        options=state.options if running else (),
        card=state.card if begun else None,
        waits=len(state.acting - {member}) if running else 0,
        cue=bool(running and stage is not None and stage.seconds and at >= state.since + stage.seconds),
        slower=state.slower if running else "",
        since=state.since,
        back=state.back,
        away_by=state.away_by,
        back_at=state.back_at,
        agreements=state.agreements,
        kept=state.kept,
        notes=state.notes,
        can=acts(state, member, at),
    )


def _quiet(state: State, turn: Turn) -> bool:
    """Whether this turn is for the one who took it alone to see."""
    return state.script.parts[turn.part].stages[turn.stage].quiet


__all__ = ["View", "acts", "view"]
