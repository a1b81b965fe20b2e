"""The corpus of everyday messages: reading it, how far its two readers agreed, and what is too much alike."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from .labels import Depth, Label, Risk

PARTS = ("train", "dev", "test")
KINDS = frozenset({"partners", "friends", "family", "siblings", "flatmates", "circle"})
REGISTERS = frozenset({"plain", "young", "old", "second_language", "playful", "formal", "misspelt"})
MOST_WORDS = 80


class Origin(StrEnum):
    """Who decided what holds."""

    AGREED = "agreed"
    THIRD = "third"


class CorpusError(ValueError):
    """A line that does not say what it should; the message names it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reader saw in a message."""

    labels: frozenset[Label]
    risk: frozenset[Risk]
    depth: Depth | None

    def holds(self, name: Label | Risk) -> bool:
        """Whether this label or risk holds."""
        return name in self.labels or name in self.risk


@dataclass(frozen=True, slots=True)
class Message:
    """A message, what two readers saw in it, and what was decided. hard: what a careless reader would wrongly see."""

    id: str
    situation: str
    kind: str
    register: str
    reply_to: str | None
    text: str
    decided: Judgement
    first: Judgement
    second: Judgement
    origin: Origin
    hard: frozenset[Label | Risk]


def _judgement(where: str, raw: dict[str, Any]) -> Judgement:
    try:
        labels = frozenset(Label(name) for name in raw["labels"])
        risk = frozenset(Risk(name) for name in raw["risk"])
        depth = Depth(raw["reflection"]) if "reflection" in raw else None
    except (KeyError, ValueError, TypeError) as error:
        raise CorpusError(f"{where}: {error}") from None
    if not labels or (Label.NEUTRAL in labels and len(labels) > 1):
        raise CorpusError(f"{where}: neutral stands alone, and something always holds")
    if (Label.REFLECTION in labels) != (depth is not None):
        raise CorpusError(f"{where}: a reflection is simple or complex, and nothing else is")
    return Judgement(labels, risk, depth)


def _hard(name: str) -> Label | Risk:
    return Risk(name) if name in set(Risk) else Label(name)


def _message(where: str, raw: dict[str, Any]) -> Message:
    try:
        one = Message(
            id=raw["id"],
            situation=raw["situation"],
            kind=raw["kind"],
            register=raw["register"],
            reply_to=raw["reply_to"],
            text=raw["text"],
            decided=_judgement(where, raw["decided"]),
            first=_judgement(where, raw["first"]),
            second=_judgement(where, raw["second"]),
            origin=Origin(raw["origin"]),
            hard=frozenset(_hard(name) for name in raw["hard"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CorpusError(f"{where}: {error}") from None
    if not all(isinstance(value, str) for value in (one.id, one.situation, one.text, one.reply_to or "")):
        raise CorpusError(f"{where}: id, situation, text and reply_to are texts")
    if one.kind not in KINDS or one.register not in REGISTERS:
        raise CorpusError(f"{where}: no such kind or register")
    if not 1 <= len(one.text.split()) <= MOST_WORDS:
        raise CorpusError(f"{where}: 1 to {MOST_WORDS} words")
    if any(one.decided.holds(name) for name in one.hard):
        raise CorpusError(f"{where}: hard names what does not hold")
    if one.origin is Origin.AGREED and not one.first == one.second == one.decided:
        raise CorpusError(f"{where}: its readers did not agree")
    return one


def load(path: Path) -> list[Message]:
    """The messages of one file, a JSON object a line. Raises CorpusError with file and line, OSError."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        try:
            raw = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{where}: {error}") from None
        found.append(_message(where, raw))
    return found


def kappa(messages: Sequence[Message], name: Label | Risk) -> float:
    """Cohen's kappa of the two readers on one label or risk: 1 is perfect, 0 what chance gives. nan if neither saw it or
    both always did (Cohen 1960)."""
    first = [message.first.holds(name) for message in messages]
    second = [message.second.holds(name) for message in messages]
    same = sum(a == b for a, b in zip(first, second, strict=True)) / len(messages)
    rate_a, rate_b = sum(first) / len(messages), sum(second) / len(messages)
    chance = rate_a * rate_b + (1 - rate_a) * (1 - rate_b)
    return (same - chance) / (1 - chance) if chance < 1 else float("nan")


def runs(text: str, size: int = 4) -> frozenset[tuple[str, ...]]:
    """All runs of `size` words of a text, without case and punctuation."""
    words = re.findall(r"[\w']+", text.lower())
    return frozenset(tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def near(messages: Iterable[Message], *, share: float = 0.3, least: int = 3) -> list[tuple[str, str]]:
    """Pairs of ids whose texts share at least `least` runs of four words and `share` of the later one's."""
    seen: dict[tuple[str, ...], list[str]] = defaultdict(list)
    found = []
    for message in messages:
        own = runs(message.text)
        shared: dict[str, int] = defaultdict(int)
        for run in own:
            for other in seen[run]:
                shared[other] += 1
            seen[run].append(message.id)
        found += [(other, message.id) for other, count in shared.items() if count >= max(least, share * len(own))]
    return found
