"""Which prompt comes next: a pure function of the deck, what was opened, what everyone agreed to, and a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .content import BondKind, Deck, Prompt, Theme, When

#: How many of a round's last prompts the next round does not begin with.
REST = 10
#: How many prompts at one's present depth come before the next depth is asked about.
SETTLE = 4
#: How deep prompts may go at most, and where somebody is under 18.
DEEPEST, DEEPEST_WITH_MINORS = 5, 3


@dataclass(frozen=True, slots=True)
class DeckState:
    """What a bond has opened, in little: it does not grow with history.

    used: ids of this round; last: ids opened most recently, newest last, at most REST; components, levels: how often
    each was opened in all rounds; rounds: how often the deck was through.
    """

    used: frozenset[str] = frozenset()
    last: tuple[str, ...] = ()
    components: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[int, int] = field(default_factory=dict)
    rounds: int = 0

    def after(self, prompt: Prompt, *, new_round: bool = False) -> DeckState:
        """The state once `prompt` was opened. A prompt that was used already begins a new round by itself."""
        fresh = new_round or prompt.id in self.used
        component, level = prompt.component.value, prompt.level
        return replace(
            self,
            used=frozenset({prompt.id}) if fresh else self.used | {prompt.id},
            last=(*self.last, prompt.id)[-REST:],
            components={**self.components, component: self.components.get(component, 0) + 1},
            levels={**self.levels, level: self.levels.get(level, 0) + 1},
            rounds=self.rounds + fresh,
        )

    def to_payload(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "used": sorted(self.used),
            "last": list(self.last),
            "components": dict(self.components),
            "levels": {str(level): count for level, count in self.levels.items()},
            "rounds": self.rounds,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> DeckState:
        """The reverse of `to_payload`."""
        return cls(
            used=frozenset(payload["used"]),
            last=tuple(payload["last"]),
            components=dict(payload["components"]),
            levels={int(level): count for level, count in payload["levels"].items()},
            rounds=payload["rounds"],
        )


def _rank(seed: str, rounds: int, prompt: Prompt) -> bytes:
    """A prompt's place in this bond's own order, different in each round."""
    return hashlib.blake2b(f"{seed}\0{rounds}\0{prompt.id}".encode(), digest_size=8).digest()


def deepest(*, minors: bool) -> int:
    """The depth that prompts do not go beyond, whatever was agreed. minors: somebody in the bond is under 18."""
    return DEEPEST_WITH_MINORS if minors else DEEPEST


def eligible(
    deck: Deck, *, max_level: int, kind: BondKind, wishes: frozenset[Theme], now: frozenset[When] = frozenset()
) -> list[Prompt]:
    """The prompts that everyone agreed to: no deeper than `max_level`, for this kind, of no theme in `wishes`, and for no
    other time than one of `now`, which everyone said holds."""
    return [
        prompt
        for prompt in deck.prompts
        if prompt.level <= max_level
        and kind in prompt.kinds
        and prompt.theme not in wishes
        and (not prompt.when or not now.isdisjoint(prompt.when))
    ]


def choose(
    deck: Deck,
    state: DeckState,
    *,
    max_level: int,
    kind: BondKind,
    wishes: frozenset[Theme] = frozenset(),
    now: frozenset[When] = frozenset(),
    seed: str = "",
    skipped: tuple[str, ...] = (),
) -> Prompt | None:
    """The next prompt, or None if what everyone left out leaves nothing.

    max_level: the depth that all have agreed to in private, 1 to 5, and no more than `deepest`. skipped: ids that the
    chooser passed over just now; when nothing else is left they come again, the longest ago first.
    No prompt returns before all eligible ones were opened. Among those left, components that came up least go first;
    then a depth: every third prompt is a light one, the others as deep as is agreed, so that depth rises and breathes.
    The rest is the bond's own order by `seed`. The same arguments always give the same prompt.
    """
    allowed = eligible(deck, max_level=max_level, kind=kind, wishes=wishes, now=now)
    left = [prompt for prompt in allowed if prompt.id not in state.used]
    rounds = state.rounds
    if not left:
        rounds += 1
        left = [prompt for prompt in allowed if prompt.id not in state.last] or allowed
    if not left:
        return None
    fresh = [prompt for prompt in left if prompt.id not in skipped]
    if not fresh:
        return min(left, key=lambda prompt: skipped.index(prompt.id))
    light = sum(state.levels.values()) % 3 == 2

    def order(prompt: Prompt) -> tuple[int, int, bytes]:
        return (
            state.components.get(prompt.component.value, 0),
            prompt.level if light else -prompt.level,
            _rank(seed, rounds, prompt),
        )

    return min(fresh, key=order)


def levels_offer(state: DeckState, level: int) -> bool:
    """Whether this is a time to ask a member in private about the next depth.

    level: what they have agreed to so far. True once at least four prompts of that depth, or deeper, were opened.
    """
    return level < DEEPEST and sum(count for depth, count in state.levels.items() if depth >= level) >= SETTLE
