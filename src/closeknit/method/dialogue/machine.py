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

from ..scripts import Act, Repeat, Script, Who
from .errors import (
    AlreadyDone,
    BadEvent,
    DialogueError,
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
from .state import (
    AT_ONCE,
    OVER,
    RESTING,
    ROUNDS,
    SPEAKERS_SPOTS,
    TRIES,
    Agreement,
    Loop,
    Phase,
    Spot,
    State,
    Turn,
    queue_of,
)

#: How long after a stage's soft time another may ask for the floor, in seconds.
FLOOR_AFTER = 60
SHORTEST_AWAY = 20 * 60
LONGEST_AWAY = 24 * 3600
MOST_AGREEMENTS = 3
#: What is spoken where it is not typed. A verdict and a confirmation are taps that may have a sentence.
_TEXTS = frozenset({Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.VALIDATED, Verb.EMPATHISED})
_LOOP_SPOTS = {
    Verb.SAID: Spot.SPEAK,
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
    fewest, most = script.members
    if event.by not in members or len(set(members)) != len(members) or not fewest <= len(members) <= most:
        raise BadEvent("asked: members")
    if event.length not in {0, 1, 2} or (script.has_cards and not 1 <= level <= ceiling <= 5):
        raise BadEvent("asked: length or level")
    if (event.lapses_at or 0) <= max(event.at, event.opens_at or 0):
        raise BadEvent("asked: lapses before it can begin")
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
    """hand: only the owner of the device that is passed round, while they are in it themselves, and only for another."""
    if not event.hand:
        return
    with_it = state.here if state.phase is Phase.ASKED else state.inside
    if not state.on_one or event.hand != state.asked_by or event.hand not in with_it or event.by == event.hand:
        raise NotHanded
    if event.verb is Verb.ACCEPTED and state.script.gate:
        raise NotHanded("a private check comes first")


# -- before it begins --------------------------------------------------------------------------------------------------


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
    if len(order) < state.script.members[0]:
        raise TooFew
    running = replace(state, phase=Phase.RUNNING, order=order, begun_at=event.at)
    return _enter(running, 0, 0, 0, event.at)


def _came_in(state: State, event: Event) -> State:
    """Somebody who said yes comes late: they are last in the order, from the next stage on. Nobody has asked them about
    notes, so that there are none from now on; and whoever comes in during a rest wants to go on."""
    if state.phase in OVER:
        raise Over
    if state.phase is Phase.ASKED or event.by not in state.accepted:
        raise NotInIt
    if event.by in state.order:
        raise AlreadyDone
    back = state.back | {event.by} if state.phase in RESTING else state.back
    return replace(state, order=(*state.order, event.by), unwilling_to_note=True, back=back)


# -- moving along ------------------------------------------------------------------------------------------------------


def _enter(state: State, part: int, round_: int, stage: int, at: int) -> State:
    """Be at a place. What has nothing to do is passed through: a round that nobody leads, or that has no card, and what
    only follows "tell me more"."""
    while part < len(state.script.parts):
        begun = state if state.lead and (part, round_) == (state.part, state.round) else _round(state, part, round_)
        if begun is None:
            part, round_, stage = part + 1, 0, 0
            continue
        state = replace(begun, stage=stage, loop=None)
        if state.the_stage.after_tell_more and not _told_to_tell_more(state):
            part, round_, stage = _following(state)
            continue
        loop = Loop(state.after(state.lead)[0]) if state.the_stage.act is Act.LOOP else None
        return _moved(replace(state, loop=loop, queue=queue_of(state)), at)
    return _over(state, Phase.CLOSED, at)


def _round(state: State, part: int, round_: int) -> State | None:
    """At the beginning of a round: who leads it, and its card. None: the part has no such round, or no more cards."""
    here = replace(state, part=part, round=round_, card=None)
    match here.the_part.repeat:
        case Repeat.ONCE:
            return replace(here, lead=here.inside[0]) if round_ == 0 else None
        case Repeat.EACH:
            most = len(here.order) if here.the_part.at_most is None else here.the_part.at_most
            leads = [i for i, one in enumerate(here.order[:most]) if i >= round_ and one in here.here]
            return replace(here, round=leads[0], lead=here.order[leads[0]]) if leads else None
        case Repeat.CARDS:
            lead = here.after(here.lead)[0] if round_ else here.inside[0]
            most = here.the_part.cards[here.length] if here.the_part.cards else 0
            return _deal(replace(here, lead=lead)) if round_ < most else None


def _deal(state: State) -> State | None:
    """With the next card of the present level; None if all are used."""
    dealt = list(state.dealt)
    if dealt[state.level] >= state.cards:
        return None
    dealt[state.level] += 1
    return replace(state, dealt=tuple(dealt), card=(state.level, dealt[state.level] - 1))


def _moved(state: State, at: int) -> State:
    """The place or the floor is another one than before: acts that were meant for it then come too late."""
    return replace(state, step=state.step + 1, since=at, slower="")


def _over(state: State, phase: Phase, at: int) -> State:
    return replace(
        _moved(state, at), phase=phase, over_at=at, queue=(), loop=None, back=frozenset(), away_by="", back_at=0
    )


def _told_to_tell_more(state: State) -> bool:
    return any(turn.choice is Choice.TELL_MORE for turn in state.turns if state.in_round(turn))


def _following(state: State) -> tuple[int, int, int]:
    """(part, round, stage) behind the present stage. Past the last round, `_enter` goes on to the next part."""
    if state.the_stage.then:
        target = state.script.target(state.part, state.the_stage.then)
        part, stage = target if target is not None else (len(state.script.parts), 0)
        return part, state.round if part == state.part else 0, stage
    if state.stage + 1 < len(state.the_part.stages):
        return state.part, state.round, state.stage + 1
    return state.part, state.round + 1, 0


def _on(state: State, at: int) -> State:
    """To the next stage, the next round, the next part, or the end."""
    return _enter(state, *_following(state), at)


def _end(state: State, at: int) -> State:
    """To the end, as the script has it."""
    return _enter(state, len(state.script.parts), 0, 0, at)


def _taken(state: State, event: Event) -> State:
    """Take the turn down."""
    turn = Turn(
        by=event.by,
        verb=event.verb,
        part=state.part,
        round=state.round,
        stage=state.stage,
        item=event.item or "",
        spoken=event.verb in _TEXTS and not event.item,
        hand=event.hand or "",
        verdict=event.verdict,
        choice=event.choice,
        option=event.option or "",
        loop_round=state.loop.rounds if state.loop is not None else 0,
        lap=state.lap,
    )
    return replace(state, turns=(*state.turns, turn))


def _out_of_queue(state: State, member: MemberId, at: int) -> State:
    """One of the queue is done. Where one has the turn at a time the next has it now; with the last the stage is over."""
    had_the_turn = state.queue[0] == member and state.the_stage.act not in AT_ONCE
    state = replace(state, queue=tuple(one for one in state.queue if one != member))
    if not state.queue:
        return _on(state, at)
    return _moved(state, at) if had_the_turn else state


# -- while it runs -----------------------------------------------------------------------------------------------------


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
    if event.verb in _ASIDE:
        return _ASIDE[event.verb](state, event)
    if act is Act.LOOP:
        return _loop(state, event)
    if event.verb is not _ACTS[act]:
        raise NotHere
    if act in AT_ONCE and event.by not in state.queue:
        raise AlreadyDone if event.by in queue_of(state) else NotYourTurn
    if act not in AT_ONCE and event.by != state.queue[0]:
        raise NotYourTurn
    match act:
        case Act.READY:
            return _out_of_queue(state, event.by, event.at)
        case Act.WISH:
            return _wished(state, event)
        case Act.CHOOSE:
            return _chose(state, event)
        case _:  # words, or a response
            return _out_of_queue(_taken(state, event), event.by, event.at)


_ACTS: dict[Act, Verb] = {
    Act.READY: Verb.DONE,
    Act.SAY: Verb.SAID,
    Act.BUILD: Verb.SAID,
    Act.RESPOND: Verb.RESPONDED,
    Act.CHOOSE: Verb.CHOSE,
    Act.WISH: Verb.WISHED,
}


def _chose(state: State, event: Event) -> State:
    option = next((one for one in state.the_stage.options if one.id == event.option), None)
    if option is None:
        raise NotHere
    if option not in state.options:
        raise AlreadyDone("as often as it may be chosen")
    state = replace(_taken(state, event), jumps=(*state.jumps, state.jump_key(option.id)))
    if not option.goto:
        return _on(state, event.at)
    target = state.script.target(state.part, option.goto)
    if target is None:
        return _end(state, event.at)
    part, stage = target
    if part == state.part:
        return _enter(state, part, state.round, stage, event.at)
    return _enter(replace(state, lap=state.lap + 1), part, 0, stage, event.at)


def _wished(state: State, event: Event) -> State:
    """The decision of all, worked out from private rows by whoever was last; the most careful wish. finish: on to the
    last part, which is the closing, or from within it to the end."""
    if event.wish is Wish.FINISH:
        last = len(state.script.parts) - 1
        return _enter(state, last, 0, 0, event.at) if state.part < last else _end(state, event.at)
    if event.wish is Wish.DEEPER:
        state = replace(state, level=min(state.level + 1, state.ceiling))
    return _on(state, event.at)


def careful(wishes: Iterable[Wish]) -> Wish:
    """The most careful of several wishes. At least one."""
    order = (Wish.FINISH, Wish.STAY, Wish.DEEPER)
    return min(wishes, key=order.index)


# -- the understood loop -----------------------------------------------------------------------------------------------


def _at(state: State, loop: Loop, at: int) -> State:
    return _moved(replace(state, loop=loop), at)


def _loop(state: State, event: Event) -> State:
    loop, verb = state.loop, event.verb
    if loop is None or (verb is not Verb.ADDED and verb not in _LOOP_SPOTS):
        raise NotHere
    if verb is Verb.ADDED:
        return _added(state, loop, event)
    if event.by != state.floor:
        raise NotYourTurn
    if loop.spot is not _LOOP_SPOTS[verb]:
        raise NotHere
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


# -- aside of the way --------------------------------------------------------------------------------------------------


def _passed(state: State, event: Event) -> State:
    """My turn goes on without me. In a loop: the speaker lets the whole stage be; the listener hands it to the next.

    Where the rest of the round hangs on this stage and nobody has taken it, the round is over.
    """
    after = _turn_passed(state, event)
    stays = (after.part, after.round, after.stage) == (state.part, state.round, state.stage)
    taken = any(state.in_round(turn) and turn.stage == state.stage for turn in state.turns)
    if stays or taken or not state.the_stage.carries_round:
        return after
    return _enter(state, state.part, state.round + 1, 0, event.at)


def _turn_passed(state: State, event: Event) -> State:
    if not state.the_stage.may_pass or state.the_stage.act in {Act.READY, Act.WISH, Act.CHOOSE}:
        raise NotHere
    if event.by not in state.acting:
        raise NotYourTurn
    loop = state.loop
    if loop is None:
        return _out_of_queue(state, event.by, event.at)
    match loop.spot:
        case Spot.REFLECT:
            return _next_listener(state, replace(loop, passed=loop.passed | {loop.listener}), event.at)
        case Spot.VALIDATE:
            return _at(state, replace(loop, spot=Spot.EMPATHISE), event.at)
        case _:  # the speaker's spots, and the last of the listener's
            return _on(state, event.at)


def _next_listener(state: State, loop: Loop, at: int) -> State:
    """Who listens in place of somebody who has passed or is gone, at the same spot; with nobody left the stage is over."""
    following = [one for one in state.after(loop.listener) if one != state.lead and one not in loop.passed]
    if not following:
        return _on(state, at)
    state = replace(state, loop=replace(loop, listener=following[0]))
    return state if loop.spot in SPEAKERS_SPOTS else _moved(state, at)


def _swapped(state: State, event: Event) -> State:
    """Another card of the same level, for everyone, as long as nobody has answered this one."""
    if state.the_part.repeat is not Repeat.CARDS:
        raise NotHere
    if any(state.in_round(turn) for turn in state.turns):
        raise NotHere("somebody has answered this card")
    other = _deal(state)
    if other is None:
        raise NotHere("no more cards of this level")
    return _enter(other, state.part, state.round, 0, event.at)


def _skipped(state: State, event: Event) -> State:
    if not state.the_part.skippable:
        raise NotHere
    return _enter(state, state.part + 1, 0, 0, event.at)


def _floor_asked(state: State, event: Event) -> State:
    """Somebody else would like it to go on, a minute after the soft time. What can be answered in a tap is waited for."""
    floor, stage, loop = state.floor, state.the_stage, state.loop
    if floor is None or event.by == floor or not stage.seconds or not stage.may_pass:
        raise NotHere
    if loop is not None and loop.spot in SPEAKERS_SPOTS - {Spot.SPEAK}:
        raise NotHere
    if event.at < state.since + stage.seconds + FLOOR_AFTER:
        raise TooEarly
    if loop is not None and loop.spot is Spot.SPEAK:
        return _at(state, replace(loop, spot=Spot.REFLECT), event.at)
    # Whoever spoke aloud for so long has said something, so that what hangs on it comes all the same.
    return _turn_passed(state, replace(event, verb=Verb.PASSED, by=floor))


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


# -- resting, leaving, ending ------------------------------------------------------------------------------------------


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
        step=state.step + 1,
    )


def _extended(state: State, event: Event) -> State:
    _inside(state, event)
    if state.phase is not Phase.AWAY or event.by != state.away_by:
        raise NotHere
    if state.extended:
        raise AlreadyDone
    back_at = event.back_at or 0
    if not max(state.back_at, event.at) < back_at <= event.at + LONGEST_AWAY:
        raise BadEvent("extended: later than before, within a day")
    return replace(state, back_at=back_at, extended=True, back=frozenset(), step=state.step + 1)


def _resumed(state: State, event: Event) -> State:
    """I want to go on. It does when all want to; who called a time-out, after twenty minutes at the earliest. It is bound
    to this rest, so that an old yes never counts for a later one."""
    _inside(state, event)
    if state.phase not in RESTING:
        raise NotRunning
    if event.step != state.step:
        raise Late
    if event.by in state.back:
        raise AlreadyDone
    if state.phase is Phase.AWAY and event.by == state.away_by and event.at < state.called_at + SHORTEST_AWAY:
        raise TooEarly
    return _if_all_back(replace(state, back=state.back | {event.by}), event.at)


def _if_all_back(state: State, at: int) -> State:
    if not set(state.inside) <= state.back:
        return state
    return replace(_moved(state, at), phase=Phase.RUNNING, back=frozenset(), away_by="", back_at=0)


def _ended(state: State, event: Event) -> State:
    if state.phase in OVER:
        raise AlreadyDone
    # While it waits for yeses only whoever asked takes it back: anyone else's no looks like silence.
    if event.by not in (state.here & {state.asked_by} if state.phase is Phase.ASKED else state.inside):
        raise NotInIt
    return _over(state, Phase.ENDED, event.at)


def _left(state: State, event: Event) -> State:
    """Gone from it, or from the bond. Their turn passes on; below two it ends."""
    if event.by not in state.here:
        raise AlreadyDone
    at, was_inside = event.at, event.by in state.inside
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
        return _over(after, Phase.ENDED, at) if len(after.here) < state.script.members[0] else after
    if not was_inside:
        return after
    if len(after.inside) < 2:
        return _over(after, Phase.ENDED, at)
    if after.away_by == event.by:
        after = replace(after, away_by="", back_at=min(after.back_at, at))
    after = _without(after, event.by, at)
    return _if_all_back(after, at) if after.phase in RESTING else after


def _without(state: State, gone: MemberId, at: int) -> State:
    """Pass on whatever waited for somebody who is gone, at the same place if that is possible. The step moves only with
    the floor, so that what another is writing still fits."""
    who, loop = state.the_stage.who, state.loop
    if gone == state.lead:
        if state.the_part.repeat is not Repeat.ONCE:  # the round was theirs; a card is laid aside
            return _enter(state, state.part, state.round + 1, 0, at)
        state = replace(state, lead=state.inside[0])
        if state.the_stage.act is Act.CHOOSE:
            return _moved(replace(state, queue=queue_of(state)), at)
        if who in {Who.LEAD, Who.LISTENER, Who.OTHERS}:  # all of it was about them
            return _on(state, at)
    if loop is not None:
        return _next_listener(state, loop, at) if gone == loop.listener else state
    if gone not in state.queue:
        return state
    if who is Who.LISTENER:
        return _moved(replace(state, queue=queue_of(state)), at)
    return _out_of_queue(state, gone, at)


# -- afterwards --------------------------------------------------------------------------------------------------------


def _afterwards(state: State, event: Event) -> None:
    if state.phase not in OVER:
        raise NotOver
    if event.by not in state.order or event.by not in state.here:
        raise NotInIt


def _agreed(state: State, event: Event) -> State:
    _afterwards(state, event)
    if sum(one.by == event.by for one in state.agreements) >= MOST_AGREEMENTS:
        raise AlreadyDone
    back_at = event.back_at or 0
    if not event.item or (back_at and back_at <= event.at):
        raise BadEvent("agreed: no item, or back before now")
    return replace(state, agreements=(*state.agreements, Agreement(event.by, event.item, back_at)))


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
    "step",
]
