"""What happens in a dialogue: verbs without words, by somebody, at a second. Every text is an item, known by its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from .errors import BadEvent, UnknownVerb, UnknownVersion

MemberId: TypeAlias = str
ItemId: TypeAlias = str
PAYLOAD_VERSION = 1


class Verb(StrEnum):
    """What happened. Values are stored: never renamed, never given a second meaning."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    READY = "ready"
    BEGUN = "begun"
    CAME_IN = "came-in"
    DONE = "done"
    SAID = "said"
    REFLECTED = "reflected"
    ADDED = "added"
    JUDGED = "judged"
    LET_REST = "let-rest"
    REPHRASED = "rephrased"
    MORE = "more"
    VALIDATED = "validated"
    EMPATHISED = "empathised"
    CONFIRMED = "confirmed"
    RESPONDED = "responded"
    CHOSE = "chose"
    WISHED = "wished"
    SWAPPED = "swapped"
    PASSED = "passed"
    SKIPPED = "skipped"
    FLOOR_ASKED = "floor-asked"
    SLOWER = "slower"
    PAUSED = "paused"
    RESUMED = "resumed"
    AWAY = "away"
    EXTENDED = "extended"
    LEFT = "left"
    ENDED = "ended"
    AGREED = "agreed"
    TOOK_BACK = "took-back"
    KEPT = "kept"


class Verdict(StrEnum):
    """The speaker's word on what the listener said back."""

    YES = "yes"
    PARTLY = "partly"
    NOT_YET = "not-yet"


class Choice(StrEnum):
    """The first response, chosen before any words."""

    UNDERSTAND = "understand"
    THANKS = "thanks"
    TELL_MORE = "tell-more"
    WITH_YOU = "with-you"


class Wish(StrEnum):
    """How deep to go on; the most careful one rules."""

    FINISH = "finish"
    STAY = "stay"
    DEEPER = "deeper"


#: The fields of each verb beside v, verb, by and at; an act bound to a place has `step`, a turn may have a `hand`.
FIELDS: Mapping[Verb, tuple[str, ...]] = {
    Verb.ASKED: ("members", "on_one", "length", "level", "ceiling", "cards", "opens_at", "lapses_at"),
    Verb.ACCEPTED: ("hand",),
    Verb.READY: ("hand", "notes"),
    Verb.BEGUN: ("order",),
    Verb.CAME_IN: (),
    Verb.DONE: ("hand", "step"),
    Verb.SAID: ("hand", "step", "item"),
    Verb.REFLECTED: ("hand", "step", "item"),
    Verb.ADDED: ("hand", "step", "item"),
    Verb.JUDGED: ("hand", "step", "verdict", "item"),
    Verb.LET_REST: ("hand", "step"),
    Verb.REPHRASED: ("hand", "step"),
    Verb.MORE: ("hand", "step", "more"),
    Verb.VALIDATED: ("hand", "step", "item"),
    Verb.EMPATHISED: ("hand", "step", "item"),
    Verb.CONFIRMED: ("hand", "step", "item"),
    Verb.RESPONDED: ("hand", "step", "choice"),
    Verb.CHOSE: ("hand", "step", "option"),
    Verb.WISHED: ("step", "wish"),
    Verb.SWAPPED: ("hand", "step"),
    Verb.PASSED: ("hand", "step"),
    Verb.SKIPPED: ("hand", "step"),
    Verb.FLOOR_ASKED: ("hand", "step"),
    Verb.SLOWER: ("hand", "step"),
    Verb.PAUSED: ("hand",),
    Verb.RESUMED: ("hand", "step"),
    Verb.AWAY: ("hand", "back_at"),
    Verb.EXTENDED: ("hand", "back_at"),
    Verb.LEFT: (),
    Verb.ENDED: ("hand",),
    Verb.AGREED: ("item", "back_at"),
    Verb.TOOK_BACK: ("item",),
    Verb.KEPT: (),
}
_TYPES: Mapping[str, type] = {
    "members": tuple,
    "on_one": bool,
    "length": int,
    "level": int,
    "ceiling": int,
    "cards": int,
    "opens_at": int,
    "lapses_at": int,
    "order": tuple,
    "hand": str,
    "notes": bool,
    "step": int,
    "item": str,
    "verdict": Verdict,
    "more": bool,
    "choice": Choice,
    "option": str,
    "wish": Wish,
    "back_at": int,
}
_ENUMS: Mapping[str, type[StrEnum]] = {"verdict": Verdict, "choice": Choice, "wish": Wish}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verb by one member at a second (since 1970, UTC). A field that its verb lacks stays None.

    hand: the member on whose device it was done, where one is passed round; empty: on one's own. item: empty for a
    turn that was spoken. step: the step of the state that it was meant for.
    Raises BadEvent if a field is missing, superfluous or of the wrong type.
    """

    verb: Verb
    by: MemberId
    at: int
    members: tuple[MemberId, ...] | None = None
    on_one: bool | None = None
    length: int | None = None
    level: int | None = None
    ceiling: int | None = None
    cards: int | None = None
    opens_at: int | None = None
    lapses_at: int | None = None
    order: tuple[MemberId, ...] | None = None
    hand: MemberId | None = None
    notes: bool | None = None
    step: int | None = None
    item: ItemId | None = None
    verdict: Verdict | None = None
    more: bool | None = None
    choice: Choice | None = None
    option: str | None = None
    wish: Wish | None = None
    back_at: int | None = None

    def __post_init__(self) -> None:
        if type(self.verb) is not Verb or type(self.by) is not str or not self.by or type(self.at) is not int:
            raise BadEvent
        needed = FIELDS[self.verb]
        if "hand" in needed and self.hand is None:
            object.__setattr__(self, "hand", "")
        for name, kind in _TYPES.items():
            value = getattr(self, name)
            if (name in needed and type(value) is not kind) or (name not in needed and value is not None):
                raise BadEvent(f"{self.verb.value}: {name}")
        for ids in (self.members, self.order):
            if ids is not None and any(type(one) is not str or not one for one in ids):
                raise BadEvent(f"{self.verb.value}: an empty id")

    def to_payload(self) -> dict[str, Any]:
        """Plain JSON values: version, verb, by, at, and the fields of this verb."""
        payload: dict[str, Any] = {"v": PAYLOAD_VERSION, "verb": self.verb.value, "by": self.by, "at": self.at}
        for name in FIELDS[self.verb]:
            value = getattr(self, name)
            if isinstance(value, StrEnum):
                value = value.value
            elif isinstance(value, tuple):
                value = list(value)
            payload[name] = value
        return payload

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Event:
        """The event that gave this payload.

        Raises UnknownVersion, UnknownVerb, or BadEvent for fields missing, superfluous or of the wrong type.
        """
        version = payload.get("v")
        if type(version) is not int or version != PAYLOAD_VERSION:
            raise UnknownVersion
        try:
            verb = Verb(payload["verb"])
        except (KeyError, ValueError):
            raise UnknownVerb from None
        if set(payload) != {"v", "verb", "by", "at", *FIELDS[verb]}:
            raise BadEvent(f"{verb.value}: other fields than its own")
        fields: dict[str, Any] = {name: payload[name] for name in FIELDS[verb]}
        if None in fields.values():
            raise BadEvent(f"{verb.value}: an empty field")
        try:
            for name, kind in _ENUMS.items():
                if name in fields:
                    fields[name] = kind(fields[name])
        except ValueError:
            raise BadEvent(f"{verb.value}: an unknown value") from None
        for name in ("members", "order"):
            if name in fields:
                if type(fields[name]) is not list:
                    raise BadEvent(f"{verb.value}: {name}")
                fields[name] = tuple(fields[name])
        return cls(verb=verb, by=payload["by"], at=payload["at"], **fields)
