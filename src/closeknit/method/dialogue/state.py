"""Where a dialogue stands: the values that events are folded into. No rule here; those are in `machine`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..scripts import Act, Option, Part, Script, Stage, Who
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


#: Acts of several at once; in the others one has the turn at a time.
AT_ONCE = frozenset({Act.READY, Act.RESPOND, Act.WISH})
#: Whose spot it is: the speaker's, otherwise the listener's.
SPEAKERS_SPOTS = frozenset({Spot.SPEAK, Spot.CHECK, Spot.MORE, Spot.CONFIRM})
#: After so many tries it may be put in other words or be let rest. Counted here, never shown.
TRIES = 3
#: How often "is there more?" may lead back to speaking.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Loop:
    """The understood loop of one stage. tries: of the present round; added: who has added "I also heard" in it; passed:
    who has passed on listening, so that it does not go round among those who would rather not."""

    listener: MemberId
    spot: Spot = Spot.SPEAK
    tries: int = 0
    rounds: int = 1
    added: frozenset[MemberId] = frozenset()
    passed: frozenset[MemberId] = frozenset()


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
    #: Which time through the part, where a choice led back to it.
    lap: int = 0


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
    step: moves whenever the place or the floor does; an act names the step that it was meant for. lead: who leads the
    present round, for as long as they are in it. lap: how often a choice has led to another part. queue: whose turn it
    still is in this stage, the one with the floor first where one speaks at a time. since: when the present place was
    reached. dealt: cards used, by level. card: (level, index) of the one on the table. back: who is ready to go on after
    a rest.
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
    lap: int = 0
    lead: MemberId | None = None
    queue: tuple[MemberId, ...] = ()
    loop: Loop | None = None
    since: int = 0
    begun_at: int = 0
    over_at: int = 0
    turns: tuple[Turn, ...] = ()
    jumps: tuple[str, ...] = ()
    dealt: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    card: tuple[int, int] | None = None
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
        following = self.after(self.lead)
        return following[0] if self.lead is not None and len(following) > 1 else None

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
    def options(self) -> tuple[Option, ...]:
        """What may still be chosen in the present stage."""
        return tuple(
            one
            for one in self.the_stage.options
            if one.at_most is None or self.jumps.count(self.jump_key(one.id)) < one.at_most
        )

    def jump_key(self, option: str) -> str:
        """What taking an option here counts as, so that it can be limited; a way back does not begin the count anew."""
        return f"{self.part}/{self.round}/{self.stage}/{option}"

    def in_round(self, turn: Turn) -> bool:
        """Whether a turn belongs to the present round of the present part."""
        return (turn.part, turn.round, turn.lap) == (self.part, self.round, self.lap)


def queue_of(state: State) -> tuple[MemberId, ...]:
    """Who acts in the present stage, in order. There is a lead, and somebody beside them."""
    around = state.after(state.lead)  # the lead last
    match state.the_stage.who:
        case Who.LEAD:
            return around[-1:]
        case Who.LISTENER:
            return around[:1]
        case Who.OTHERS:
            return around[:-1]
        case Who.EACH:
            return (*around[-1:], *around[:-1])
        case Who.ALL:
            return state.inside
