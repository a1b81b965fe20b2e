"""The promises of a dialogue in any script and any order of events: the floor, the way out, and what is never undone."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit.method.dialogue import (
    LONGEST_AWAY,
    OVER,
    RESTING,
    SHORTEST_AWAY,
    Choice,
    DialogueError,
    Event,
    Phase,
    Spot,
    State,
    Verb,
    Verdict,
    Wish,
    acts,
    begin,
    can,
    fold,
    step,
    view,
)
from closeknit.method.dialogue.events import FIELDS
from closeknit.method.scripts import Act, Repeat, Script, graph_problems

from .dialogues import (
    ANA,
    BEN,
    CLOSE,
    EVE,
    EVERYTHING,
    LEADS,
    MORE,
    NOW,
    PEOPLE,
    RESPOND,
    ROUND,
    Talk,
    an_event,
    asked,
    option,
    part,
    place,
    script,
    stage,
)

WORDS = frozenset({Verb.SAID, Verb.REFLECTED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED})

# -- scripts ----------------------------------------------------------------------------------------------------------

_KINDS = (
    ("ready", "all"),
    ("say", "lead"),
    ("say", "listener"),
    ("say", "others"),
    ("say", "each"),
    ("build", "lead"),
    ("respond", "others"),
    ("respond", "all"),
    ("loop", "lead"),
    ("wish", "all"),
    ("choose", "lead"),
    ("choose", "listener"),
)


def a_script(chance: Random) -> Script:
    """Any script that the checks let through."""
    parts: list[dict[str, Any]] = []
    most_parts = chance.randint(1, 3)
    for p in range(most_parts):
        repeat = chance.choice(list(Repeat))
        stages: list[dict[str, Any]] = []
        most_stages = chance.randint(1, 3)
        for s in range(most_stages):
            act, who = chance.choice(_KINDS)
            more: dict[str, Any] = {}
            if act == "build":
                more["fields"] = [{"id": "saw", "label": "What I saw", "hint": "As a camera would"}]
            if act == "loop":
                more["validates"] = chance.random() < 0.6
            if act == "choose":
                ways = [f"s{i}" for i in range(s + 1)] + [f"part:p{i}" for i in range(p + 1)]
                more["options"] = [option("on"), option("end", "end")]
                more["quiet"] = chance.random() < 0.3
                more["options"] += [option(f"b{i}", way, 1) for i, way in enumerate(chance.sample(ways, 2))]
            elif act != "wish":
                more["after_tell_more"] = chance.random() < 0.2
            if act in {"say", "loop", "respond"}:
                more["may_pass"] = chance.random() < 0.8
            if act in {"say", "build", "loop"}:
                more["carries_round"] = more.get("may_pass", True) and chance.random() < 0.2
            ahead = [f"s{i}" for i in range(s + 2, most_stages)] + [f"part:p{i}" for i in range(p + 2, most_parts)]
            if act != "choose" and ahead and chance.random() < 0.2:
                more["then"] = chance.choice(ahead)
            stages.append(stage(f"s{s}", act, who, **more) | {"seconds": chance.choice([0, 30, 120])})
        more = {"cards": chance.choice([(1, 2, 3), (0, 1, 2)])} if repeat is Repeat.CARDS else {}
        if repeat is Repeat.EACH and chance.random() < 0.3:
            more["at_most"] = chance.randint(1, 3)
        parts.append(part(f"p{p}", *stages, repeat=repeat.value, skippable=chance.random() < 0.5, **more))
    made = script(*parts, gate=chance.random() < 0.5, members=(chance.choice([2, 2, 3]), 6))
    # What a `then` leaves out may never be reached; that harms nothing here.
    assert {code for code, _, _ in graph_problems(made)} <= {"unreached"}
    return made


def begun(chance: Random, the_script: Script) -> list[Event]:
    """Asked, and most often begun."""
    people = PEOPLE[: chance.randint(the_script.members[0], 4)]
    first = asked(people, on_one=chance.random() < 0.4, length=chance.randint(0, 2), cards=chance.choice([0, 2, 4, 8]))
    events, state = [first], begin(the_script, first)
    coming = people[: chance.randint(the_script.members[0], len(people))]
    for verb, who in ((Verb.ACCEPTED, people), (Verb.READY, coming), (Verb.BEGUN, coming[:1])):
        for one in who:
            events.append(an_event(state, one, verb, NOW, **({"order": coming} if verb is Verb.BEGUN else {})))
            state = step(state, events[-1])
    return events if chance.random() < 0.9 else events[: chance.randint(1, len(events))]


def everything(state: State, now: int, *, hands: bool = False) -> Iterator[Event]:
    """Each verb by each member and an outsider, in all its kinds, whether it is allowed or not. Items are fresh."""
    item = f"item-{len(state.used)}"
    kinds: dict[Verb, list[dict[str, Any]]] = {
        Verb.JUDGED: [{"verdict": one, "item": words} for one in Verdict for words in ("", item)],
        Verb.MORE: [{"more": True}, {"more": False}],
        Verb.RESPONDED: [{"choice": Choice.TELL_MORE}, {"choice": Choice.THANKS}],
        Verb.WISHED: [{"wish": one} for one in Wish],
        Verb.READY: [{"notes": True}, {"notes": False}],
        Verb.CHOSE: [{"option": one} for one in ("on", "end", "b0", "b1")],
        Verb.TOOK_BACK: [{"item": one} for one in sorted(state.used)[:3]] or [{}],
    }
    for verb in Verb:
        some = kinds.get(verb, [{"item": item}, {}] if "item" in FIELDS[verb] else [{}])
        for by in (*state.members, EVE):
            for fields in some:
                yield an_event(state, by, verb, now, **fields)
                if hands and "hand" in FIELDS[verb]:
                    yield an_event(state, by, verb, now, **fields, hand=state.asked_by)


#: Rare in a run, else there would soon be nothing left to see.
RARE = {"left": 0.12, "ended": 0.02, "skipped": 0.2, "paused": 0.4, "away": 0.4, "floor-asked": 2, "came-in": 5}


def aside(state: State, now: int, chance: Random) -> Event | None:
    """What is offered to somebody beside the way."""
    by = chance.choice(state.members)
    names = sorted(acts(state, by, now)) if by in state.here else []
    if state.used:
        names.append(Verb.TOOK_BACK.value)
    if not names:
        return None
    name = chance.choices(names, [RARE.get(one, 1) for one in names])[0]
    verb = Verb.WISHED if name == "wish" else Verb(name.partition(":")[0])
    return varied(state, by, verb, now, chance)


def varied(state: State, by: str, verb: Verb, now: int, chance: Random) -> Event:
    """This verb by this member, in any of its kinds."""
    kinds: dict[str, list[Any]] = {
        "item": [f"item-{len(state.used)}", ""] if verb is not Verb.TOOK_BACK else sorted(state.used) or [""],
        "verdict": [*Verdict, Verdict.NOT_YET],
        "more": [True, False],
        "choice": [Choice.TELL_MORE, Choice.THANKS],
        "wish": list(Wish),
        "notes": [True, True, False],
        "option": ["on", "on", "on", "end", "b0", "b0", "b1", "again", "cards"],
        "hand": ["", "", "", state.asked_by],
    }
    chosen = {name: chance.choice(kinds[name]) for name in FIELDS[verb] if name in kinds}
    return an_event(state, by, verb, now, **chosen)


OF_SPOTS = {
    Spot.SPEAK: (Verb.SAID,),
    Spot.REFLECT: (Verb.REFLECTED,),
    Spot.CHECK: (Verb.JUDGED, Verb.JUDGED, Verb.ADDED, Verb.LET_REST, Verb.REPHRASED),
    Spot.MORE: (Verb.MORE,),
    Spot.VALIDATE: (Verb.VALIDATED,),
    Spot.EMPATHISE: (Verb.EMPATHISED,),
    Spot.CONFIRM: (Verb.CONFIRMED,),
}
OF_ACTS = {
    Act.READY: Verb.DONE,
    Act.RESPOND: Verb.RESPONDED,
    Act.CHOOSE: Verb.CHOSE,
    Act.WISH: Verb.WISHED,
    Act.SAY: Verb.SAID,
    Act.BUILD: Verb.SAID,
}


def likely(state: State, now: int, chance: Random) -> Event:
    """What somebody might well do here."""
    if state.phase in RESTING:
        return varied(state, chance.choice(state.inside), Verb.RESUMED, now, chance)
    by = chance.choice(sorted(state.acting))
    if state.loop is None:
        return varied(state, by, OF_ACTS[state.the_stage.act], now, chance)
    verb = chance.choice(OF_SPOTS[state.loop.spot])
    return varied(state, chance.choice(state.inside) if verb is Verb.ADDED else by, verb, now, chance)


class Run:
    """A script, the events that were taken, and the state after each."""

    def __init__(self, the_script: Script, taken: list[Event]) -> None:
        self.script, self.taken = the_script, taken[:1]
        self.states = [begin(the_script, taken[0])]
        for event in taken[1:]:
            self.take(event)

    def take(self, event: Event) -> None:
        self.states.append(step(self.states[-1], event))
        self.taken.append(event)

    def __repr__(self) -> str:
        parts = [[(stage.act.value, stage.who.value) for stage in part.stages] for part in self.script.parts]
        return f"{parts} {[(event.verb.value, event.by) for event in self.taken]}"


def a_run(seed: int) -> Run:
    """Partly at random, mostly as people go along; so that it gets somewhere."""
    chance = Random(seed)
    the_script = EVERYTHING if chance.random() < 0.4 else a_script(chance)
    run = Run(the_script, begun(chance, the_script))
    now = NOW + 10
    for _ in range(chance.choice([20, 60, 120])):
        state = run.states[-1]
        now += 1500 if state.phase is Phase.AWAY else chance.choice([0, 1, 1, 30, 300])
        if state.phase in OVER and chance.random() < 0.3:
            break
        goes_on = state.order and state.phase not in OVER and chance.random() < 0.6
        event = likely(state, now, chance) if goes_on else aside(state, now, chance)
        if event is not None and can(state, event):
            run.take(event)
    return run


runs = st.builds(a_run, st.integers(0, 2**64))


# -- what must be so in any state -------------------------------------------------------------------------------------


def check_state(state: State) -> None:
    inside = set(state.inside)
    assert inside <= state.here <= set(state.members) and len(set(state.order)) == len(state.order)
    assert state.accepted <= state.here and state.ready <= state.accepted
    if state.phase in OVER or state.phase is Phase.ASKED:
        assert state.queue == () and state.loop is None and state.floor is None and state.acting == frozenset()
        assert not state.back and not state.away_by and not state.back_at
        return
    assert len(inside) >= 2 and state.lead in inside and state.listener in inside and state.lead != state.listener
    assert state.queue and set(state.queue) <= inside and len(set(state.queue)) == len(state.queue)
    assert (state.loop is not None) == (state.the_stage.act is Act.LOOP)
    assert (state.card is not None) == (state.the_part.repeat is Repeat.CARDS)
    assert state.level <= state.ceiling and all(used <= state.cards for used in state.dealt)
    assert state.back < inside and (not state.back or state.phase in RESTING)
    assert (state.phase is Phase.AWAY) == bool(state.back_at) and (not state.away_by or state.away_by in inside)
    if state.the_part.repeat is Repeat.EACH:
        assert state.order[state.round] == state.lead
    if state.phase in RESTING:
        assert state.floor is None
    else:
        assert state.acting and state.acting <= inside
        for by in inside:  # the way out is open to all, at once and at any place
            assert step(state, an_event(state, by, Verb.ENDED, 0)).phase is Phase.ENDED
            assert step(state, an_event(state, by, Verb.PAUSED, 0)).phase is Phase.PAUSED
            assert step(state, an_event(state, by, Verb.LEFT, 0)).here == state.here - {by}


def check_step(before: State, event: Event, after: State) -> None:
    by = event.by
    # What was said stays as it was, apart from what its author takes back.
    assert len(after.turns) >= len(before.turns)
    for was, now in zip(before.turns, after.turns, strict=False):
        assert was == now or (event.verb is Verb.TOOK_BACK and now == replace(was, item="") and was.by == by)
    assert after.took_part[: len(before.took_part)] == before.took_part
    assert after.here == before.here - ({by} if event.verb is Verb.LEFT else set())
    assert before.used <= after.used and before.step <= after.step
    added = after.turns[len(before.turns) :]
    assert len(added) <= 1
    for turn in added:
        assert turn.by == by and turn.verb is event.verb and before.phase is Phase.RUNNING
        assert before.in_round(turn) and turn.stage == before.stage
        if event.verb in WORDS:
            assert by == before.floor, "words come from whoever has the floor"
        elif event.verb is Verb.ADDED:
            assert by not in {before.lead, before.listener} and after.floor == before.floor == before.lead
        else:
            assert by in before.acting
    if event.item and event.verb not in {Verb.AGREED, Verb.TOOK_BACK}:
        assert [turn.item for turn in added] == [event.item]
    # The step moves with the place and the floor, and with nothing else that somebody may be in the middle of.
    if before.phase is after.phase is Phase.RUNNING:
        moved = (place(before), before.floor) != (place(after), after.floor)
        assert after.step > before.step or not moved
        if event.verb in {Verb.ADDED, Verb.SLOWER, Verb.CAME_IN, Verb.TOOK_BACK, Verb.DONE} and not moved:
            assert after.step == before.step and after.since == before.since
    # Nobody's place is lost by a rest.
    if {before.phase, after.phase} & RESTING and event.verb is not Verb.LEFT and after.phase not in OVER:
        assert (place(after), after.queue, after.loop) == (place(before), before.queue, before.loop)
    if before.phase in RESTING and after.phase is Phase.RUNNING:
        assert set(after.inside) <= before.back | {by}, "only when all want to"
    if before.phase in OVER:
        assert after.phase is before.phase and after.step == before.step
    # Only a lead's leave changes who leads within a round.
    same_round = (before.part, before.round, before.lap) == (after.part, after.round, after.lap)
    if before.order and same_round and after.phase not in OVER and before.lead != after.lead:
        assert event.verb is Verb.LEFT and before.lead == by and before.the_part.repeat is Repeat.ONCE


def check_offers(state: State, now: int) -> None:
    """A page offers what would be taken: each verb that is taken in one of its kinds is offered, and the other way."""
    for hand in ("", state.asked_by if state.on_one else ""):
        found: dict[str, set[str]] = {one: set() for one in state.here}
        for event in everything(state, now, hands=True):
            own = FIELDS[event.verb] and "hand" not in FIELDS[event.verb]
            if event.by in found and (event.hand or "") == hand and not (hand and own) and can(state, event):
                if event.verb in {Verb.TOOK_BACK, Verb.ASKED} or (hand and not FIELDS[event.verb]):
                    continue
                name = {Verb.WISHED: "wish", Verb.CHOSE: f"chose:{event.option}"}.get(event.verb, event.verb.value)
                found[event.by].add(name)
        for one, names in found.items():
            offered = acts(state, one, now, hand)
            # `everything` knows some options by name; a page knows all.
            known = {name for name in offered if not name.startswith("chose:")} | (offered & names)
            assert known == names


def check_view(state: State, now: int) -> None:
    for one in state.here:
        shown = view(state, one, now)
        assert shown.can == acts(state, one, now)
        stages = [state.script.parts[turn.part].stages[turn.stage] for turn in state.turns]
        open_to_me = [turn for turn, its in zip(state.turns, stages, strict=True) if turn.by == one or not its.quiet]
        assert sorted((*shown.before, *shown.turns), key=repr) == sorted(open_to_me, key=repr)
        assert shown.waits == len(state.acting - {one})
        if state.loop is not None:  # how many tries shows only in what may be done after the third
            many = replace(state, loop=replace(state.loop, tries=state.loop.tries + 7))
            late = {"let-rest", "rephrased"}
            assert replace(view(many, one, now), can=shown.can - late) == replace(shown, can=shown.can - late)


def check(run: Run) -> None:
    for state in run.states:
        check_state(state)
    for (before, after), event in zip(pairwise(run.states), run.taken[1:], strict=True):
        check_step(before, event, after)


# -- in any order -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(runs)
def test_any_lawful_run_keeps_the_promises(run: Run) -> None:
    check(run)
    check_offers(run.states[-1], run.taken[-1].at + 1)
    for state in run.states[::10]:
        check_view(state, run.taken[-1].at + 1)


@settings(max_examples=40, deadline=None)
@given(runs)
def test_replay_from_stored_payloads_gives_the_same_state(run: Run) -> None:
    the_script, taken, states = run.script, run.taken, run.states
    stored = json.dumps([event.to_payload() for event in taken])
    events = [Event.from_payload(payload) for payload in json.loads(stored)]
    assert events == taken
    assert fold(the_script, events) == fold(the_script, events) == states[-1]


@settings(max_examples=40, deadline=None)
@given(runs)
def test_repeated_and_late_events_change_nothing(run: Run) -> None:
    """Every event of a run again, at every later place. Only a pause or a time-out is never too late: a page that slept
    can always ask for one."""
    taken, states = run.taken, run.states
    for index, state in enumerate(states):
        if index:
            assert not can(state, taken[index]), "the same once more"
        for event in taken[: index + 1]:
            if event.verb not in {Verb.PAUSED, Verb.AWAY}:
                assert not can(state, event)
        assert state == states[index], "and nothing has changed in place"


@settings(max_examples=40, deadline=None)
@given(runs)
def test_acts_that_come_too_early_or_with_another_step_change_nothing(
    run: Run,
) -> None:
    taken, states = run.taken, run.states
    for index, state in enumerate(states):
        for later in taken[index + 1 :]:
            if later.step is not None and later.step != state.step:
                assert not can(state, later)


@settings(max_examples=40, deadline=None)
@given(runs, st.randoms(use_true_random=False))
def test_dropped_and_reordered_events_lead_to_lawful_states(run: Run, chance: Random) -> None:
    """Whatever way events arrive in, what is refused changes nothing and what is taken keeps the promises."""
    the_script, taken = run.script, run.taken
    arriving = [event for event in taken[1:] if chance.random() > 0.2] * 2
    chance.shuffle(arriving)
    state = begin(the_script, taken[0])
    for event in arriving:
        untouched = replace(state)
        try:
            after = step(state, event)
        except DialogueError as refused:
            assert type(refused) in DialogueError.__subclasses__()
            after = state
        else:
            check_step(state, event, after)
            check_state(after)
        assert state == untouched
        state = after


@settings(max_examples=40, deadline=None)
@given(runs)
def test_a_pause_by_anyone_comes_back_to_the_same_place(run: Run) -> None:
    for state in run.states:
        if state.phase is not Phase.RUNNING:
            continue
        for by in state.inside:
            now = step(state, an_event(state, by, Verb.PAUSED, state.since + 5))
            for one in reversed(state.inside):
                assert now.phase is Phase.PAUSED
                now = step(now, an_event(now, one, Verb.RESUMED, state.since + 9))
            assert now == replace(state, step=state.step + 1, since=state.since + 9, slower="")


#: What the second of an event may decide: the start, asking for the floor, rests, and when an agreement comes back.
TIMED = frozenset(
    {Verb.ACCEPTED, Verb.READY, Verb.BEGUN, Verb.FLOOR_ASKED, Verb.AWAY, Verb.EXTENDED, Verb.RESUMED, Verb.AGREED}
)
SECONDS = ("since", "begun_at", "over_at", "called_at", "back_at")


def timeless(state: State) -> State:
    return replace(state, **dict.fromkeys(SECONDS, 0))


@settings(max_examples=40, deadline=None)
@given(runs, st.integers(-LONGEST_AWAY, 10 * LONGEST_AWAY))
def test_time_decides_nothing_else(run: Run, later: int) -> None:
    taken, states = run.taken, run.states
    for before, event in zip(states, taken[1:], strict=False):
        if event.verb not in TIMED:
            moved = replace(event, at=event.at + later)
            assert timeless(step(before, moved)) == timeless(step(before, event))
    state = states[-1]
    for one in state.here:
        now, then = view(state, one, taken[-1].at), view(state, one, taken[-1].at + abs(later))
        timed = {"floor-asked", "resumed", "extended", "accepted", "ready", "begun"}
        assert replace(then, cue=now.cue, can=now.can - timed) == replace(now, can=now.can - timed)
        assert then.can ^ now.can <= timed


# -- nobody is stuck --------------------------------------------------------------------------------------------------


def onward(state: State, now: int) -> Event:
    """What a willing member does next; nobody ends it, leaves, or waits for a time."""
    if state.phase in RESTING:
        by = next(one for one in state.inside if one not in state.back)
        return an_event(state, by, Verb.RESUMED, now + LONGEST_AWAY)
    by = next(one for one in state.inside if one in state.acting)
    verb = OF_SPOTS[state.loop.spot][0] if state.loop is not None else OF_ACTS[state.the_stage.act]
    return an_event(state, by, verb, now)


@settings(max_examples=40, deadline=None)
@given(runs, st.integers(0, 2**32))
def test_from_everywhere_there_is_a_way_to_the_close(run: Run, seed: int) -> None:
    """By going on, and also by passing wherever one can and taking every way back: it closes within a bound."""
    taken, states = run.taken, run.states
    for stubborn in (False, True):
        chance = Random(seed)
        going = [one for one in states if one.order and one.phase not in OVER]
        if not going:
            return
        state = chance.choice(going)
        now, count = taken[-1].at, 0
        while state.phase not in OVER:
            count += 1
            now += 1
            assert count < 2000, "stuck"
            event = onward(state, now)
            if stubborn and state.phase is Phase.RUNNING:
                again = [
                    an_event(state, event.by, Verb.CHOSE, now, option=one) for one in ("b0", "b1", "again", "cards")
                ]
                other = [*again, an_event(state, event.by, Verb.PASSED, now), an_event(state, ANA, Verb.SWAPPED, now)]
                event = next((one for one in other if can(state, one)), event)
            state = step(state, event)
        assert state.phase is Phase.CLOSED


# -- every state within reach -----------------------------------------------------------------------------------------

SMALL = {
    "say and respond": script(part("a", LEADS, RESPOND, MORE, repeat="each"), CLOSE),
    "loop": script(part("a", stage("l", "loop", "lead")), CLOSE),
    "cards": script(part("a", ROUND, repeat="cards", cards=(2, 2, 2)), part("wish", stage("w", "wish", "all")), CLOSE),
    "choose": script(
        part("a", LEADS, stage("c", "choose", "lead", options=[option("on"), option("b0", "leads", 1)])), CLOSE
    ),
}


@pytest.mark.parametrize("people", [2, 3])
@pytest.mark.parametrize("name", SMALL)
def test_every_state_within_reach_keeps_the_promises(name: str, people: int) -> None:
    """Everything that anyone might do from the start, to a depth at which each of these closes by itself."""
    talk = Talk(SMALL[name], PEOPLE[:people], cards=2).begin(*PEOPLE[:people])
    known, edge = {talk.state}, deque([(talk.state, 0)])
    phases, now = set(), talk.now + 1
    while edge and len(known) < 250:
        state, depth = edge.popleft()
        check_state(state)
        phases.add(state.phase)
        for event in everything(state, now):
            if event.item:
                continue
            try:
                after = step(state, event)
            except DialogueError:
                continue
            check_step(state, event, after)
            after = replace(after, since=NOW, over_at=0)
            if after not in known:
                known.add(after)
                edge.append((after, depth + 1))
    assert {Phase.RUNNING, Phase.PAUSED, Phase.AWAY, Phase.ENDED} <= phases


def test_the_sample_runs_are_worth_something() -> None:
    """The runs above do reach closes, rests, loops, ways back, cards and leaves."""
    seen: set[str] = set()
    for run in map(a_run, range(150)):
        for state in run.states:
            seen.update({state.phase.value, state.the_stage.act.value, state.the_part.repeat.value})
            seen.update([f"lap {state.lap}", f"{len(state.inside)} inside"])
            seen.update([state.loop.spot.value] if state.loop else [])
        seen.update(event.verb.value for event in run.taken)
    wanted = {*Phase, *Act, *Repeat, *Spot, "lap 1", "4 inside", "3 inside", "2 inside"}
    assert {str(one) for one in (*wanted, *Verb)} <= seen


def test_what_is_always_open_is_open_from_an_old_page() -> None:
    """A page that slept can always stop it, pause it or leave: those acts name no step."""
    for verb in (Verb.PAUSED, Verb.AWAY, Verb.ENDED, Verb.LEFT):
        assert "step" not in FIELDS[verb]
    assert SHORTEST_AWAY < LONGEST_AWAY and BEN in PEOPLE
