"""Where a dialogue stands: the values that events are folded into. No rule here; those are in `machine`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..scripts import Act, Part, Repeat, Script, Stage, Who
from .events import Choice, ItemId, MemberId, Verb, Verdict


class Phase(StrEnum):
    """asked: waits for yeses and for everyone to come. paused, away: rests at its place. closed: came to its own end;
    ended: somebody ended it."""

    ASKED = "asked"
    RUNNING = "running"
    PAUSED = "paused"
    AWAY = "away"
    CLOSED = "closed"
    ENDED = "ended"


OVER = frozenset({Phase.CLOSED, Phase.ENDED})
RESTING = frozenset({Phase.PAUSED, Phase.AWAY})


class Spot(StrEnum):
    """Where the understood loop stands."""

    SPEAK = "speak"
    REFLECT = "reflect"
    CHECK = "check"
    MORE = "more"
    VALIDATE = "validate"
    EMPATHISE = "empathise"
    CONFIRM = "confirm"


#: Whose spot it is: the speaker's, otherwise the listener's.
SPEAKERS_SPOTS = frozenset({Spot.SPEAK, Spot.CHECK, Spot.MORE, Spot.CONFIRM})
#: After so many tries it may be put in other words or be let rest. Counted here, never shown.
TRIES = 3
#: How often "is there more?" may lead back to speaking.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Loop:
    """The understood loop of one stage. tries: of the present round; added: who has added "I also heard"."""

    listener: MemberId
    spot: Spot = Spot.SPEAK
    tries: int = 0
    rounds: int = 1
    added: frozenset[MemberId] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said, shown back, judged or chosen. item: empty where it was spoken or taken back."""

    by: MemberId
    verb: Verb
    part: int
    round: int
    stage: int
    item: ItemId = ""
    spoken: bool = False
    hand: MemberId = ""
    verdict: Verdict | None = None
    choice: Choice | None = None
    option: str = ""
    #: Which "is there more?" round of a loop it belongs to.
    loop_round: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """A small thing agreed on afterwards. back_at: when it comes up again; 0: never by itself."""

    by: MemberId
    item: ItemId
    back_at: int


@dataclass(frozen=True, slots=True)
class State:
    """All there is to know. Pages are built from `view` alone.

    members: everyone asked, in a fixed order; here: who has not left. order: who is in it, in the order that was drawn.
    step: moves whenever the place or the floor does; an act names the step that it was meant for. queue: whose turn it
    still is in this stage, the one with the floor first where one speaks at a time. since: when the present place was
    reached. dealt: cards used, by level. back: who is ready to go on after a rest.
    """

    script: Script
    asked_by: MemberId
    members: tuple[MemberId, ...]
    here: frozenset[MemberId]
    on_one: bool
    length: int
    level: int
    ceiling: int
    cards: int
    opens_at: int
    lapses_at: int
    asked_at: int
    accepted: frozenset[MemberId] = frozenset()
    ready: frozenset[MemberId] = frozenset()
    unwilling_to_note: bool = False
    order: tuple[MemberId, ...] = ()
    phase: Phase = Phase.ASKED
    step: int = 0
    part: int = 0
    round: int = 0
    stage: int = 0
    queue: tuple[MemberId, ...] = ()
    loop: Loop | None = None
    since: int = 0
    begun_at: int = 0
    over_at: int = 0
    turns: tuple[Turn, ...] = ()
    jumps: tuple[str, ...] = ()
    dealt: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    slower: MemberId = ""
    back: frozenset[MemberId] = frozenset()
    away_by: MemberId = ""
    called_at: int = 0
    back_at: int = 0
    extended: bool = False
    agreements: tuple[Agreement, ...] = ()
    used: frozenset[ItemId] = frozenset()
    kept: bool = False

    @property
    def inside(self) -> tuple[MemberId, ...]:
        """Who is in it now, in the order that was drawn."""
        return tuple(member for member in self.order if member in self.here)

    @property
    def took_part(self) -> tuple[MemberId, ...]:
        """Who ever was in it."""
        return self.order

    @property
    def the_part(self) -> Part:
        return self.script.parts[self.part]

    @property
    def the_stage(self) -> Stage:
        return self.the_part.stages[self.stage]

    @property
    def notes(self) -> bool:
        """Whether spoken turns may have a line each: only if everyone said yes to it."""
        return bool(self.order) and not self.unwilling_to_note

    @property
    def lead(self) -> MemberId | None:
        """Who leads the present round: the drawn order, one after another; in `once` parts the first who is still in."""
        inside = self.inside
        if not inside:
            return None
        if self.the_part.repeat is Repeat.EACH:
            return self.order[self.round] if self.order[self.round] in self.here else inside[0]
        if self.the_part.repeat is Repeat.CARDS:
            return inside[self.round % len(inside)]
        return inside[0]

    def after(self, member: MemberId | None) -> tuple[MemberId, ...]:
        """Everyone inside, in order, beginning behind this member; the member last."""
        inside = self.inside
        if member is None or member not in self.order:
            return inside
        start = self.order.index(member) + 1
        turned = (*self.order[start:], *self.order[:start])
        return tuple(one for one in turned if one in self.here)

    @property
    def listener(self) -> MemberId | None:
        """Who says back: the loop's listener, otherwise whoever follows the lead."""
        if self.loop is not None:
            return self.loop.listener
        following = [member for member in self.after(self.lead) if member != self.lead]
        return following[0] if following else None

    @property
    def floor(self) -> MemberId | None:
        """The one who may send words now, if anybody may."""
        if self.phase is not Phase.RUNNING:
            return None
        stage = self.the_stage
        if stage.act is Act.LOOP and self.loop is not None:
            return self.lead if self.loop.spot in SPEAKERS_SPOTS else self.loop.listener
        if stage.act in {Act.SAY, Act.BUILD} and self.queue:
            return self.queue[0]
        return None

    @property
    def acting(self) -> frozenset[MemberId]:
        """Whose stage it is right now, with or without words."""
        if self.phase is not Phase.RUNNING:
            return frozenset()
        floor = self.floor
        return frozenset({floor}) if floor is not None else frozenset(self.queue)

    @property
    def card(self) -> tuple[int, int] | None:
        """(level, index) of the card on the table."""
        if self.phase is Phase.ASKED or self.the_part.repeat is not Repeat.CARDS:
            return None
        return self.level, self.dealt[self.level] - 1

    def in_round(self, turn: Turn) -> bool:
        """Whether a turn belongs to the present round of the present part."""
        return (turn.part, turn.round) == (self.part, self.round)


def queue_of(state: State) -> tuple[MemberId, ...]:
    """Who acts in the present stage, in order."""
    lead = state.lead
    match state.the_stage.who:
        case Who.LEAD:
            return (lead,) if lead is not None else ()
        case Who.LISTENER:
            return (state.listener,) if state.listener is not None else ()
        case Who.OTHERS:
            return tuple(one for one in state.after(lead) if one != lead)
        case Who.EACH:
            around = state.after(lead)
            return (*around[-1:], *around[:-1]) if lead is not None else around
        case Who.ALL:
            return state.inside
