"""How a dialogue goes on: `step(state, event) -> state`, the one place where a dialogue changes.

**Who may speak.** Words come from the one member who has the floor; everything else is a tap. The floor passes when it
is handed on, or when another asks for it a minute after the stage's soft time. Timers never change anything by
themselves: an event carries the second at which somebody acted.

**Order.** An act bound to a place names the step that it was meant for. Double taps, repeated or reordered forms and
pages that slept carry an old step and are refused as `Late`; what counts is only what was taken down.

**Nobody is stuck.** Whoever is in it can pass, pause, ask for a time-out, leave or end it at any time, without a reason;
what one cannot do is make another stay. After a rest it goes on when everyone who is still there wants to. If somebody
leaves, their turn passes on; below two it ends.

**The understood loop.** The speaker says one thing; the listener says back what they heard; the speaker answers yes,
partly or not yet. After three tries it may be put in other words or be let rest. After a yes: is there more? Then the
listener says that it makes sense, and what it may have felt like, and the speaker confirms. Tries are counted here
alone; no view has them.

**One device.** Where a phone is passed round, its owner's session sends the turns of all, marked with `hand`. A private
check stays on each one's own device, so that where there is one, a yes does not come by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..scripts import Act, Repeat, Script
from .errors import (
    AlreadyDone,
    BadEvent,
    Lapsed,
    Late,
    NotAsked,
    NotHanded,
    NotHere,
    NotInIt,
    NotOver,
    NotRunning,
    NotYourTurn,
    Over,
    TooEarly,
    TooFew,
    UnknownItem,
)
from .events import FIELDS, Choice, Event, MemberId, Verb, Verdict, Wish
from .state import OVER, RESTING, ROUNDS, SPEAKERS_SPOTS, TRIES, Agreement, Loop, Phase, Spot, State, Turn, queue_of

#: How long after a stage's soft time another may ask for the floor, in seconds.
FLOOR_AFTER = 60
SHORTEST_AWAY = 20 * 60
LONGEST_AWAY = 24 * 3600
MOST_AGREEMENTS = 3
_TEXTS = frozenset({Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.JUDGED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED})
_LOOP_SPOTS = {
    Verb.REFLECTED: Spot.REFLECT,
    Verb.JUDGED: Spot.CHECK,
    Verb.LET_REST: Spot.CHECK,
    Verb.REPHRASED: Spot.CHECK,
    Verb.MORE: Spot.MORE,
    Verb.VALIDATED: Spot.VALIDATE,
    Verb.EMPATHISED: Spot.EMPATHISE,
    Verb.CONFIRMED: Spot.CONFIRM,
}


def begin(script: Script, event: Event) -> State:
    """The state after ASKED. Raises NotAsked for any other verb, BadEvent for an asking that contradicts itself."""
    if event.verb is not Verb.ASKED:
        raise NotAsked
    members = event.members or ()
    level, ceiling = event.level or 0, event.ceiling or 0
    if event.by not in members or len(set(members)) != len(members) or len(members) < 2:
        raise BadEvent("asked: members")
    if event.length not in {0, 1, 2} or (script.has_cards and not 1 <= level <= ceiling <= 5):
        raise BadEvent("asked: length or level")
    if (event.lapses_at or 0) <= event.at:
        raise BadEvent("asked: lapses at once")
    return State(
        script=script,
        asked_by=event.by,
        members=members,
        here=frozenset(members),
        on_one=bool(event.on_one),
        length=event.length,
        level=level,
        ceiling=ceiling,
        cards=event.cards or 0,
        opens_at=event.opens_at or 0,
        lapses_at=event.lapses_at or 0,
        asked_at=event.at,
    )


def fold(script: Script, events: Iterable[Event]) -> State:
    """The state after all events, in order. Raises what `begin` and `step` raise."""
    state: State | None = None
    for event in events:
        state = begin(script, event) if state is None else step(state, event)
    if state is None:
        raise NotAsked
    return state


def can(state: State, event: Event) -> bool:
    """Whether `step` would take this event."""
    from .errors import DialogueError

    try:
        step(state, event)
    except DialogueError:
        return False
    return True


def step(state: State, event: Event) -> State:
    """The state after one more event.

    Raises NotAsked, NotInIt, NotHanded, AlreadyDone, Late, TooEarly, Lapsed, NotYourTurn, NotHere, NotRunning, Over,
    NotOver, TooFew, UnknownItem or BadEvent; then nothing has changed.
    """
    if event.verb is Verb.ASKED:
        raise NotAsked("a second ASKED")
    if event.by not in state.members:
        raise NotInIt
    _check_hand(state, event)
    if event.item:
        if event.verb is not Verb.TOOK_BACK and event.item in state.used:
            raise AlreadyDone("an item that was used before")
        state = replace(state, used=state.used | {event.item})
    handler = _HANDLERS.get(event.verb)
    if handler is not None:
        return handler(state, event)
    return _act(state, event)


def _check_hand(state: State, event: Event) -> None:
    """hand: only the owner of the device that is passed round, and only for another."""
    if not event.hand:
        return
    if not state.on_one or event.hand != state.asked_by or event.by == event.hand:
        raise NotHanded
    if event.verb is Verb.ACCEPTED and state.script.gate:
        raise NotHanded("a private check comes first")


# -- before it begins ----------------------------------------------------------------------------------------------------


def _before(state: State, event: Event) -> None:
    if state.phase is not Phase.ASKED:
        raise Over if state.phase in OVER else AlreadyDone("it has begun")
    if event.by not in state.here:
        raise NotInIt
    if event.at > state.lapses_at:
        raise Lapsed


def _accepted(state: State, event: Event) -> State:
    _before(state, event)
    if event.by in state.accepted:
        raise AlreadyDone
    return replace(state, accepted=state.accepted | {event.by})


def _ready(state: State, event: Event) -> State:
    _before(state, event)
    if event.by not in state.accepted:
        raise NotInIt
    if event.by in state.ready:
        raise AlreadyDone
    if event.at < state.opens_at or len(state.accepted) < state.script.members[0]:
        raise TooEarly
    unwilling = state.unwilling_to_note or not event.notes
    return replace(state, ready=state.ready | {event.by}, unwilling_to_note=unwilling)


def _begun(state: State, event: Event) -> State:
    """order: who is in it, as drawn. In a pair both; in a circle whoever is ready, if they are enough."""
    _before(state, event)
    order = event.order or ()
    if event.by not in state.ready or set(order) != set(state.ready) or len(order) != len(state.ready):
        raise TooFew
    if event.at < state.opens_at:
        raise TooEarly
    if len(order) < max(2, state.script.members[0]):
        raise TooFew
    running = replace(state, phase=Phase.RUNNING, order=order, begun_at=event.at)
    return _enter(running, 0, 0, 0, event.at)


def _came_in(state: State, event: Event) -> State:
    """Somebody who was asked comes late: they are last in the order, from the next stage on."""
    if state.phase in OVER:
        raise Over
    if state.phase is Phase.ASKED or event.by not in state.accepted:
        raise NotInIt
    if event.by in state.order:
        raise AlreadyDone if event.by in state.here else NotInIt
    return replace(state, order=(*state.order, event.by))


# -- moving along ----------------------------------------------------------------------------------------------------


def _enter(state: State, part: int, round_: int, stage: int, at: int) -> State:
    """Be at a place. A place that has nothing to do is passed through."""
    while True:
        if part >= len(state.script.parts):
            return replace(state, phase=Phase.CLOSED, over_at=at, step=state.step + 1, queue=(), loop=None)
        entered = replace(
            state, part=part, round=round_, stage=stage, since=at, step=state.step + 1, loop=None, slower="", queue=()
        )
        the_part = entered.the_part
        if stage == 0:
            if the_part.repeat is Repeat.EACH:
                most = len(state.order) if the_part.at_most is None else min(the_part.at_most, len(state.order))
                leads = [i for i in range(round_, most) if state.order[i] in state.here]
                if not leads:
                    part, round_ = part + 1, 0
                    continue
                entered = replace(entered, round=leads[0])
            elif the_part.repeat is Repeat.CARDS:
                if not _cards_left(entered, round_):
                    part, round_ = part + 1, 0
                    continue
                entered = _deal(entered)
        if entered.the_stage.after_tell_more and not _told_to_tell_more(entered):
            state = entered
            part, round_, stage = _following(entered)
            continue
        entered = replace(entered, queue=queue_of(entered))
        if entered.the_stage.act is Act.LOOP and entered.listener is not None:
            entered = replace(entered, loop=Loop(entered.listener))
        if not entered.queue:
            state = entered
            part, round_, stage = _following(entered)
            continue
        return entered


def _cards_left(state: State, round_: int) -> bool:
    wanted = state.the_part.cards or (0, 0, 0)
    return round_ < wanted[state.length] and state.dealt[state.level] < state.cards


def _deal(state: State) -> State:
    dealt = list(state.dealt)
    dealt[state.level] += 1
    return replace(state, dealt=tuple(dealt))


def _told_to_tell_more(state: State) -> bool:
    return any(turn.choice is Choice.TELL_MORE for turn in state.turns if state.in_round(turn))


def _following(state: State) -> tuple[int, int, int]:
    """(part, round, stage) behind the present stage."""
    if state.the_stage.then:
        target = state.script.target(state.part, state.the_stage.then)
        if target is None:
            return len(state.script.parts), 0, 0
        return target[0], state.round if target[0] == state.part else 0, target[1]
    if state.stage + 1 < len(state.the_part.stages):
        return state.part, state.round, state.stage + 1
    if state.the_part.repeat is Repeat.ONCE:
        return state.part + 1, 0, 0
    return state.part, state.round + 1, 0


def _on(state: State, at: int) -> State:
    """To the next stage, the next round, the next part, or the end. Past the last round `_enter` goes on to the next part."""
    part, round_, stage = _following(state)
    if stage == 0 and part == state.part and state.the_part.repeat is Repeat.EACH and round_ >= len(state.order):
        part, round_ = part + 1, 0
    return _enter(state, part, round_, stage, at)


def _taken(state: State, event: Event, verb: Verb | None = None) -> State:
    """Take the turn down."""
    has_text = event.verb in _TEXTS
    turn = Turn(
        by=event.by,
        verb=verb or event.verb,
        part=state.part,
        round=state.round,
        stage=state.stage,
        item=event.item or "",
        spoken=has_text and not event.item and event.verb not in {Verb.JUDGED, Verb.CONFIRMED},
        hand=event.hand or "",
        verdict=event.verdict,
        choice=event.choice,
        option=event.option or "",
        loop_round=state.loop.rounds if state.loop is not None else 0,
    )
    return replace(state, turns=(*state.turns, turn))


def _handed_on(state: State, event: Event) -> State:
    """The first of the queue is done; the next has the floor, or the stage is over."""
    queue = tuple(one for one in state.queue if one != event.by)
    if queue:
        return replace(state, queue=queue, step=state.step + 1, since=event.at, slower="")
    return _on(state, event.at)


def _done_by(state: State, event: Event) -> State:
    """One of those who act at once is done; the place changes only with the last."""
    queue = tuple(one for one in state.queue if one != event.by)
    return replace(state, queue=queue) if queue else _on(replace(state, queue=()), event.at)


# -- while it runs ----------------------------------------------------------------------------------------------------


def _running(state: State, event: Event) -> None:
    if state.phase in OVER:
        raise Over
    if state.phase is not Phase.RUNNING:
        raise NotRunning
    if event.by not in state.inside:
        raise NotInIt
    if "step" in FIELDS[event.verb] and event.step != state.step:
        raise Late


def _act(state: State, event: Event) -> State:
    """An act of the present stage."""
    _running(state, event)
    act = state.the_stage.act
    if event.verb in {Verb.PASSED, Verb.SWAPPED, Verb.SKIPPED, Verb.FLOOR_ASKED, Verb.SLOWER}:
        return _ASIDE[event.verb](state, event)
    if act is Act.LOOP:
        return _loop(state, event)
    wanted = _ACTS[act]
    if event.verb not in wanted:
        raise NotHere
    if act is Act.WISH:
        return _wished(state, event)
    if act in {Act.READY, Act.RESPOND}:
        if event.by not in state.queue:
            raise AlreadyDone if event.by in queue_of(state) else NotYourTurn
        return _done_by(_taken(state, event) if act is Act.RESPOND else state, event)
    if event.by != (state.floor or state.queue[0]):
        raise NotYourTurn
    if act is Act.CHOOSE:
        return _chose(state, event)
    return _handed_on(_taken(state, event), event)


_ACTS: dict[Act, frozenset[Verb]] = {
    Act.READY: frozenset({Verb.DONE}),
    Act.SAY: frozenset({Verb.SAID}),
    Act.BUILD: frozenset({Verb.SAID}),
    Act.RESPOND: frozenset({Verb.RESPONDED}),
    Act.CHOOSE: frozenset({Verb.CHOSE}),
    Act.WISH: frozenset({Verb.WISHED}),
}


def jump_key(state: State, option: str) -> str:
    """What taking an option here counts as, so that it can be limited."""
    return f"{state.part}/{state.round}/{state.stage}/{option}"


def _chose(state: State, event: Event) -> State:
    option = next((one for one in state.the_stage.options if one.id == event.option), None)
    if option is None:
        raise NotHere
    key = jump_key(state, option.id)
    if option.at_most is not None and state.jumps.count(key) >= option.at_most:
        raise AlreadyDone("as often as it may be chosen")
    state = replace(_taken(state, event), jumps=(*state.jumps, key))
    if not option.goto:
        return _on(state, event.at)
    target = state.script.target(state.part, option.goto)
    if target is None:
        return _enter(state, len(state.script.parts), 0, 0, event.at)
    return _enter(state, target[0], state.round if target[0] == state.part else 0, target[1], event.at)


def _wished(state: State, event: Event) -> State:
    """The decision of all, worked out from private rows by whoever was last; the most careful wish."""
    if event.wish is Wish.FINISH:
        return _enter(state, len(state.script.parts) - 1, 0, 0, event.at)
    if event.wish is Wish.DEEPER:
        state = replace(state, level=min(state.level + 1, state.ceiling))
    return _on(state, event.at)


def careful(wishes: Iterable[Wish]) -> Wish:
    """The most careful of several wishes. At least one."""
    order = (Wish.FINISH, Wish.STAY, Wish.DEEPER)
    return min(wishes, key=order.index)


# -- the understood loop ----------------------------------------------------------------------------------------------------


def _at(state: State, loop: Loop, at: int) -> State:
    return replace(state, loop=loop, step=state.step + 1, since=at, slower="")


def _loop(state: State, event: Event) -> State:
    loop, verb = state.loop, event.verb
    if loop is None:
        raise NotHere
    if verb is Verb.ADDED:
        return _added(state, loop, event)
    if verb is Verb.SAID:
        if loop.spot is not Spot.SPEAK:
            raise NotHere if event.by == state.lead else NotYourTurn
    elif _LOOP_SPOTS.get(verb) is not loop.spot:
        raise NotHere if event.by == state.floor else NotYourTurn
    if event.by != state.floor:
        raise NotYourTurn
    if verb in {Verb.LET_REST, Verb.REPHRASED} and loop.tries < TRIES:
        raise TooEarly
    taken = _taken(state, event)
    match verb:
        case Verb.SAID:
            return _at(taken, replace(loop, spot=Spot.REFLECT), event.at)
        case Verb.REFLECTED:
            return _at(taken, replace(loop, spot=Spot.CHECK, tries=loop.tries + 1), event.at)
        case Verb.JUDGED if event.verdict is not Verdict.YES:
            return _at(taken, replace(loop, spot=Spot.REFLECT), event.at)
        case Verb.JUDGED if loop.rounds < ROUNDS:
            return _at(taken, replace(loop, spot=Spot.MORE), event.at)
        case Verb.MORE if event.more:
            fresh = replace(loop, spot=Spot.SPEAK, tries=0, rounds=loop.rounds + 1, added=frozenset())
            return _at(taken, fresh, event.at)
        case Verb.REPHRASED:
            return _at(taken, replace(loop, spot=Spot.SPEAK, tries=0, added=frozenset()), event.at)
        case Verb.JUDGED | Verb.MORE:
            return _understood(taken, loop, event.at)
        case Verb.VALIDATED:
            return _at(taken, replace(loop, spot=Spot.EMPATHISE), event.at)
        case Verb.EMPATHISED:
            return _at(taken, replace(loop, spot=Spot.CONFIRM), event.at)
        case _:  # confirmed, let rest
            return _on(taken, event.at)


def _understood(state: State, loop: Loop, at: int) -> State:
    if state.the_stage.validates:
        return _at(state, replace(loop, spot=Spot.VALIDATE), at)
    return _on(state, at)


def _added(state: State, loop: Loop, event: Event) -> State:
    """In a circle: what else somebody heard, once a round, while the speaker looks at what was said back."""
    if event.by in {state.lead, loop.listener}:
        raise NotHere
    if loop.spot is not Spot.CHECK:
        raise NotYourTurn
    if event.by in loop.added:
        raise AlreadyDone
    return replace(_taken(state, event), loop=replace(loop, added=loop.added | {event.by}))


# -- aside of the way ----------------------------------------------------------------------------------------------------


def _passed(state: State, event: Event) -> State:
    """My turn goes on without me. In a loop: the speaker lets the whole stage be; the listener hands it to the next.

    Where the rest of the round hangs on it and nobody took the turn, the round is over.
    """
    after = _turn_passed(state, event)
    left = (after.part, after.round, after.stage) != (state.part, state.round, state.stage)
    if left and state.the_stage.carries_round and not _taken_here(state):
        return _on_round(state, event.at)
    return after


def _taken_here(state: State) -> bool:
    return any(state.in_round(turn) and turn.stage == state.stage for turn in state.turns)


def _turn_passed(state: State, event: Event) -> State:
    if not state.the_stage.may_pass or state.the_stage.act in {Act.READY, Act.WISH, Act.CHOOSE}:
        raise NotHere
    if event.by not in state.acting:
        raise NotYourTurn
    loop = state.loop
    if loop is None:
        return _done_by(state, event) if state.the_stage.act is Act.RESPOND else _handed_on(state, event)
    match loop.spot:
        case Spot.REFLECT:
            following = [one for one in state.after(loop.listener) if one not in {state.lead, loop.listener}]
            if len(state.inside) < 3 or not following:
                return _on(state, event.at)
            return _at(state, replace(loop, listener=following[0]), event.at)
        case Spot.VALIDATE:
            return _at(state, replace(loop, spot=Spot.EMPATHISE), event.at)
        case Spot.EMPATHISE | Spot.SPEAK | Spot.CONFIRM | Spot.CHECK | Spot.MORE:
            return _on(state, event.at)


def _swapped(state: State, event: Event) -> State:
    """Another card of the same level, for everyone, as long as nobody has answered this one."""
    if state.the_part.repeat is not Repeat.CARDS:
        raise NotHere
    if any(state.in_round(turn) for turn in state.turns):
        raise NotHere("somebody has answered this card")
    if state.dealt[state.level] >= state.cards:
        raise NotHere("no more cards of this level")
    return _enter(state, state.part, state.round, 0, event.at)


def _skipped(state: State, event: Event) -> State:
    if not state.the_part.skippable:
        raise NotHere
    return _enter(state, state.part + 1, 0, 0, event.at)


def _floor_asked(state: State, event: Event) -> State:
    floor = state.floor
    if floor is None or event.by == floor:
        raise NotHere
    if not may_ask_floor(state, event.by, event.at):
        raise TooEarly
    if state.loop is not None and state.loop.spot is Spot.SPEAK:
        return _at(state, replace(state.loop, spot=Spot.REFLECT), event.at)
    # Whoever spoke aloud for so long has said something: the round goes on.
    return _turn_passed(state, replace(event, verb=Verb.PASSED, by=floor))


def may_ask_floor(state: State, member: MemberId, at: int) -> bool:
    """Whether this member may ask for the floor at this second."""
    floor, seconds = state.floor, state.the_stage.seconds
    if floor is None or floor == member or member not in state.inside or not seconds:
        return False
    if state.loop is not None and state.loop.spot not in {Spot.SPEAK, Spot.REFLECT, Spot.VALIDATE, Spot.EMPATHISE}:
        return False
    return state.the_stage.may_pass and at >= state.since + seconds + FLOOR_AFTER


def _slower(state: State, event: Event) -> State:
    if state.floor is None or event.by == state.floor:
        raise NotHere
    if state.slower:
        raise AlreadyDone
    return replace(state, slower=event.by)


_ASIDE = {
    Verb.PASSED: _passed,
    Verb.SWAPPED: _swapped,
    Verb.SKIPPED: _skipped,
    Verb.FLOOR_ASKED: _floor_asked,
    Verb.SLOWER: _slower,
}


# -- resting, leaving, ending ----------------------------------------------------------------------------------------------------


def _inside(state: State, event: Event) -> None:
    if state.phase in OVER:
        raise Over
    if state.phase is Phase.ASKED:
        raise NotRunning
    if event.by not in state.inside:
        raise NotInIt


def _paused(state: State, event: Event) -> State:
    _inside(state, event)
    if state.phase in RESTING:
        raise AlreadyDone
    return replace(state, phase=Phase.PAUSED, back=frozenset())


def _away(state: State, event: Event) -> State:
    _inside(state, event)
    if state.phase is Phase.AWAY:
        raise AlreadyDone
    back_at = event.back_at or 0
    if not event.at + SHORTEST_AWAY <= back_at <= event.at + LONGEST_AWAY:
        raise BadEvent("away: back in twenty minutes to a day")
    return replace(
        state,
        phase=Phase.AWAY,
        back=frozenset(),
        away_by=event.by,
        called_at=event.at,
        back_at=back_at,
        extended=False,
    )


def _extended(state: State, event: Event) -> State:
    _inside(state, event)
    if state.phase is not Phase.AWAY or event.by != state.away_by:
        raise NotHere
    if state.extended:
        raise AlreadyDone
    back_at = event.back_at or 0
    if not state.back_at < back_at <= event.at + LONGEST_AWAY:
        raise BadEvent("extended: later than before, within a day")
    return replace(state, back_at=back_at, extended=True, back=frozenset())


def _resumed(state: State, event: Event) -> State:
    """I want to go on. It does when all want to; who called a time-out, after twenty minutes at the earliest."""
    _inside(state, event)
    if state.phase not in RESTING:
        raise NotRunning
    if event.by in state.back:
        raise AlreadyDone
    if state.phase is Phase.AWAY and event.by == state.away_by and event.at < state.called_at + SHORTEST_AWAY:
        raise TooEarly
    return _if_all_back(replace(state, back=state.back | {event.by}), event.at)


def _if_all_back(state: State, at: int) -> State:
    if not set(state.inside) <= state.back:
        return state
    return replace(state, phase=Phase.RUNNING, back=frozenset(), away_by="", since=at, step=state.step + 1)


def _ended(state: State, event: Event) -> State:
    if state.phase in OVER:
        raise AlreadyDone
    # While it waits for yeses only whoever asked takes it back: anyone else's no looks like silence.
    if event.by not in ((state.asked_by,) if state.phase is Phase.ASKED else state.inside):
        raise NotInIt
    return replace(state, phase=Phase.ENDED, over_at=event.at, step=state.step + 1, queue=(), loop=None)


def _left(state: State, event: Event) -> State:
    """Gone from it, or from the bond. Their turn passes on; below two it ends."""
    if event.by not in state.here:
        raise AlreadyDone
    at, was_inside, lead, listener = event.at, event.by in state.inside, None, None
    if state.phase not in OVER and was_inside:
        lead, listener = state.lead, state.listener
    after = replace(
        state,
        here=state.here - {event.by},
        accepted=state.accepted - {event.by},
        ready=state.ready - {event.by},
        back=state.back - {event.by},
    )
    if state.phase in OVER:
        return after
    if state.phase is Phase.ASKED:
        alone = len(after.here) < max(2, state.script.members[0])
        return replace(after, phase=Phase.ENDED, over_at=at) if alone else after
    if not was_inside:
        return after
    if len(after.inside) < 2:
        return replace(after, phase=Phase.ENDED, over_at=at, step=state.step + 1, queue=(), loop=None)
    after = _without(after, event.by, lead, listener, at)
    if after.phase in RESTING:  # still, unless it came to its end by that
        if after.away_by == event.by:
            after = replace(after, away_by="", back_at=min(after.back_at, at))
        return _if_all_back(after, at)
    return after


def _without(state: State, gone: MemberId, lead: MemberId | None, listener: MemberId | None, at: int) -> State:
    """Pass on whatever waited for somebody who is gone, at the same place if that is possible."""
    if gone == lead and state.the_part.repeat is not Repeat.ONCE:
        return _on_round(state, at)
    if state.loop is not None:
        if gone == lead:
            return _on(state, at)
        if gone == listener:
            following = [one for one in state.after(gone) if one != state.lead]
            return _at(state, replace(state.loop, listener=following[0]), at)
        return state
    if gone not in state.queue:
        return state
    queue = tuple(one for one in state.queue if one != gone)
    return replace(state, queue=queue, step=state.step + 1, since=at) if queue else _on(state, at)


def _on_round(state: State, at: int) -> State:
    """To the next round: the lead is gone, or what it hangs on was passed. A card is laid aside."""
    if state.the_part.repeat is Repeat.ONCE:
        return _enter(state, state.part + 1, 0, 0, at)
    if state.the_part.repeat is Repeat.EACH and state.round + 1 >= len(state.order):
        return _enter(state, state.part + 1, 0, 0, at)
    return _enter(state, state.part, state.round + 1, 0, at)


# -- afterwards ----------------------------------------------------------------------------------------------------


def _afterwards(state: State, event: Event) -> None:
    if state.phase not in OVER:
        raise NotOver
    if event.by not in state.order or event.by not in state.here:
        raise NotInIt


def _agreed(state: State, event: Event) -> State:
    _afterwards(state, event)
    if sum(one.by == event.by for one in state.agreements) >= MOST_AGREEMENTS:
        raise AlreadyDone
    if not event.item:
        raise BadEvent("agreed: no item")
    return replace(state, agreements=(*state.agreements, Agreement(event.by, event.item, event.back_at or 0)))


def _took_back(state: State, event: Event) -> State:
    """One's own words, typed on one's own device, or one's own agreement."""
    mine = [turn for turn in state.turns if turn.item == event.item and turn.by == event.by and not turn.hand]
    agreed = [one for one in state.agreements if one.item == event.item and one.by == event.by]
    if not event.item or not (mine or agreed):
        raise UnknownItem
    return replace(
        state,
        turns=tuple(replace(turn, item="") if turn in mine else turn for turn in state.turns),
        agreements=tuple(one for one in state.agreements if one not in agreed),
    )


def _kept(state: State, event: Event) -> State:
    """Everyone chose to keep what was typed."""
    _afterwards(state, event)
    if state.kept:
        raise AlreadyDone
    return replace(state, kept=True)


_HANDLERS = {
    Verb.ACCEPTED: _accepted,
    Verb.READY: _ready,
    Verb.BEGUN: _begun,
    Verb.CAME_IN: _came_in,
    Verb.PAUSED: _paused,
    Verb.AWAY: _away,
    Verb.EXTENDED: _extended,
    Verb.RESUMED: _resumed,
    Verb.ENDED: _ended,
    Verb.LEFT: _left,
    Verb.AGREED: _agreed,
    Verb.TOOK_BACK: _took_back,
    Verb.KEPT: _kept,
}

__all__ = [
    "FLOOR_AFTER",
    "LONGEST_AWAY",
    "SHORTEST_AWAY",
    "SPEAKERS_SPOTS",
    "begin",
    "can",
    "careful",
    "fold",
    "jump_key",
    "may_ask_floor",
    "step",
]
