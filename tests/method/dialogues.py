"""Small scripts for tests of dialogues, and how to drive one. Not a test by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from closeknit.method.dialogue import (
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
    begin,
    step,
)
from closeknit.method.dialogue.events import FIELDS
from closeknit.method.scripts import Act, Script

ANA, BEN, CAI, DAN, EVE = "ana", "ben", "cai", "dan", "eve"
PEOPLE = (ANA, BEN, CAI, DAN)
#: When all of it begins. Every event is a second later than the one before, unless a test says otherwise.
NOW = 1_800_000_000
SOFT = 120


def stage(id_: str, act: str, who: str, **more: Any) -> dict[str, Any]:
    side = {"title": "Do this"}
    watching = None if who == "all" else {"title": "Watch this"}
    return {"id": id_, "act": act, "who": who, "seconds": SOFT, "acting": side, "watching": watching, **more}


def part(id_: str, *stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": "A part", "stages": stages, **more}


def script(*parts: dict[str, Any], gate: bool = False, members: tuple[int, int] = (2, 6)) -> Script:
    return Script.model_validate(
        {
            "id": "a-script",
            "title": "A script",
            "purpose": "To be tested.",
            "before": "Nothing happens before.",
            "minutes": (1, 2),
            "effort": "light",
            "calm": True,
            "component": "empathy",
            "members": members,
            "gate": gate,
            "sources": ["nobody-2000"],
            "parts": parts,
        }
    )


def option(id_: str, goto: str = "", at_most: int | None = None) -> dict[str, Any]:
    return {"id": id_, "label": "This one", "goto": goto, "at_most": at_most}


READY = stage("ready", "ready", "all")
LEADS = stage("leads", "say", "lead")
LISTENS = stage("listens", "say", "listener")
OTHERS = stage("others", "say", "others")
ROUND = stage("round", "say", "each")
FIELD = {"id": "saw", "label": "What I saw", "hint": "As a camera would"}
BUILD = stage("build", "build", "lead", fields=[FIELD])
RESPOND = stage("respond", "respond", "others")
RESPOND_ALL = stage("respond-all", "respond", "all")
MORE = stage("more", "say", "lead", after_tell_more=True)
LOOP = stage("loop", "loop", "lead")
SHORT_LOOP = stage("short-loop", "loop", "lead", validates=False)
WISH = stage("wish", "wish", "all")
CHOOSE = stage("choose", "choose", "lead", options=[option("on"), option("again", "leads", 2), option("end", "end")])
CLOSE = part("close", stage("thanks", "ready", "all"))

#: By the kind of stage that each begins with, as `stage_of` names them.
FIRST = {
    "ready": READY,
    "lead": LEADS,
    "listener": LISTENS,
    "others": OTHERS,
    "each": ROUND,
    "build": BUILD,
    "respond": RESPOND,
    "respond-all": RESPOND_ALL,
    "loop": LOOP,
    "wish": WISH,
    "choose": stage("choose", "choose", "lead", options=[option("on"), option("end", "end")]),
}

#: One script with every act, every way of repeating, ways back and a part that may be left out.
EVERYTHING = script(
    part("arrive", READY),
    part("each", LEADS, LISTENS, OTHERS, RESPOND, MORE, repeat="each"),
    part("cards", ROUND, RESPOND_ALL, MORE, WISH, repeat="cards", cards=(1, 2, 3)),
    part("loop", LOOP, repeat="each", skippable=True),
    part("short", SHORT_LOOP),
    part(
        "once",
        LEADS,
        BUILD,
        stage(
            "choose",
            "choose",
            "lead",
            options=[option("on"), option("again", "leads", 2), option("cards", "part:cards", 1), option("end", "end")],
        ),
    ),
    part("close", ROUND),
)


def asked(people: Iterable[str] = (ANA, BEN), by: str = ANA, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "members": tuple(people),
        "on_one": False,
        "length": 1,
        "level": 2,
        "ceiling": 3,
        "cards": 6,
        "opens_at": NOW,
        "lapses_at": NOW + 3600,
        "at": NOW,
    }
    return Event(verb=Verb.ASKED, by=by, **{**fields, **more})


class Talk:
    """A dialogue that goes on by `do`, which returns the state and notes what was taken."""

    def __init__(self, a_script: Script, people: Iterable[str] = (ANA, BEN), **more: Any) -> None:
        self.script = a_script
        self.events = [asked(people, **more)]
        self.state = begin(a_script, self.events[0])
        self.now = NOW

    def event(self, by: str, verb: Verb, **fields: Any) -> Event:
        """An event for the present step, at the present second, with the most ordinary fields."""
        return an_event(self.state, by, verb, self.now, **fields)

    def do(self, by: str, verb: Verb, **fields: Any) -> State:
        self.now = fields.get("at", self.now + 1)
        event = self.event(by, verb, **fields)
        self.state = step(self.state, event)
        self.events.append(event)
        return self.state

    def refused(self, by: str, verb: Verb, **fields: Any) -> type[DialogueError] | None:
        """Which error this act would raise now; None: none."""
        return refusal(self.state, self.event(by, verb, **fields))

    def begin(self, *order: str, yes: Iterable[str] = (), ready: Iterable[str] = ()) -> Talk:
        for one in yes or order:
            self.do(one, Verb.ACCEPTED)
        for one in ready or order:
            self.do(one, Verb.READY)
        self.do(order[0], Verb.BEGUN, order=order)
        return self

    def say_round(self) -> State:
        """Everyone who has a turn in this stage takes it, one after another."""
        here = self.state.step
        stage_now = place(self.state)
        while place(self.state) == stage_now and self.state.phase is Phase.RUNNING:
            by = self.state.queue[0]
            self.do(by, {Act.READY: Verb.DONE, Act.RESPOND: Verb.RESPONDED}.get(self.state.the_stage.act, Verb.SAID))
        assert self.state.step > here
        return self.state


def place(state: State) -> tuple[int, int, int, int]:
    return state.part, state.round, state.stage, state.lap


def an_event(state: State, by: str, verb: Verb, now: int, **fields: Any) -> Event:
    ordinary: dict[str, Any] = {
        "step": state.step,
        "hand": "",
        "notes": True,
        "order": tuple(one for one in state.members if one in state.ready),
        "item": "",
        "verdict": Verdict.YES,
        "more": False,
        "choice": Choice.THANKS,
        "option": "on",
        "wish": Wish.STAY,
        "back_at": max(now, state.back_at) + SHORTEST_AWAY,
        "at": now,
    }
    if verb is Verb.ASKED:
        return asked(state.members)
    if verb is Verb.AGREED:
        ordinary |= {"item": f"agreed-{len(state.used)}", "back_at": 0}
    chosen = {name: ordinary[name] for name in (*FIELDS[verb], "at")}
    return Event(verb=verb, by=by, **{**chosen, **fields})


def refusal(state: State, event: Event) -> type[DialogueError] | None:
    try:
        step(state, event)
    except DialogueError as error:
        return type(error)
    return None


def running(kind: str, people: tuple[str, ...] = (ANA, BEN, CAI), *, asked_too: tuple[str, ...] = ()) -> Talk:
    """A dialogue that stands in its first stage, of this kind. asked_too: who said yes, and has not come."""
    talk = Talk(script(part("first", FIRST[kind]), CLOSE), (*people, *asked_too))
    return talk.begin(*people, yes=(*people, *asked_too))


def at_spot(spot: Spot, people: tuple[str, ...] = (ANA, BEN, CAI)) -> Talk:
    """A loop that stands at this spot for the first time."""
    talk = running("loop", people)
    return to_spot(talk, spot)


WAY: tuple[tuple[Spot, Verb], ...] = (
    (Spot.SPEAK, Verb.SAID),
    (Spot.REFLECT, Verb.REFLECTED),
    (Spot.CHECK, Verb.JUDGED),
    (Spot.MORE, Verb.MORE),
    (Spot.VALIDATE, Verb.VALIDATED),
    (Spot.EMPATHISE, Verb.EMPATHISED),
    (Spot.CONFIRM, Verb.CONFIRMED),
)


def to_spot(talk: Talk, spot: Spot) -> Talk:
    verbs = dict(WAY)
    while talk.state.loop is not None and talk.state.loop.spot is not spot:
        assert talk.state.floor is not None
        talk.do(talk.state.floor, verbs[talk.state.loop.spot])
    assert talk.state.loop is not None
    return talk


def same_but(state: State, other: State, *names: str) -> bool:
    """Whether two states are the same in all but these fields."""
    return state == replace(other, **{name: getattr(state, name) for name in names})
