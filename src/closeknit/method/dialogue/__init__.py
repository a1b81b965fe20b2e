"""A dialogue: a guided conversation that follows a script, folded from events in order. Pure: no clock, no chance, no
words. `errors`: why something is refused; `events`: what happens; `state`: where it stands; `machine`: how it goes on;
`view`: what one member's page may show.
"""

from .errors import DialogueError, Lapsed, Late, NotInIt, TooEarly
from .events import Choice, Event, ItemId, MemberId, Verb, Verdict, Wish
from .machine import FLOOR_AFTER, LONGEST_AWAY, SHORTEST_AWAY, begin, can, careful, fold, step
from .state import OVER, RESTING, Agreement, Loop, Phase, Spot, State, Turn
from .view import View, acts, view

__all__ = [
    "FLOOR_AFTER",
    "LONGEST_AWAY",
    "OVER",
    "RESTING",
    "SHORTEST_AWAY",
    "Agreement",
    "Choice",
    "DialogueError",
    "Event",
    "ItemId",
    "Lapsed",
    "Late",
    "Loop",
    "MemberId",
    "NotInIt",
    "Phase",
    "Spot",
    "State",
    "TooEarly",
    "Turn",
    "Verb",
    "Verdict",
    "View",
    "Wish",
    "acts",
    "begin",
    "can",
    "careful",
    "fold",
    "step",
    "view",
]
