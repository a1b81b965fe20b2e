"""What is learnt from, cut into parts: learnt from (train), tuned on (tune), and never seen (held).

Sets that their authors cut stay cut as they are; the others are cut into five by group (a post, a thread, a text), and one
fifth is held. The own corpus is cut by situation: train, dev and test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from closeknit.coach import corpus
from closeknit.coach.heads import OWN
from closeknit.coach.pieces import Cutter, Piece

from . import sets
from .sets import Example

FOLDS = 5
FORUMS = ("needadvice", "askparents")
#: How often each set is gone through, and how much an example of those that do not count 1 counts.
ROUNDS = {"epitome": 6, "own": 16, "intimacy": 8, "offmychest": 3, "advice": 2, "emotions": 2, "politeness": 3, "needs": 1}
#: The last stretch, at a lower rate: our own messages above all, and enough of the rest that it is not forgotten.
LAST_ROUNDS = {
    **{"epitome": 1.5, "own": 12, "intimacy": 2, "offmychest": 0.5},
    **{"advice": 0.4, "emotions": 0.4, "politeness": 0.5, "needs": 0.1},
}
LAST_RATE = 0.7
WEIGHT = {"advice": 0.7, "politeness": 0.7, "needs": 0.4}


@dataclass
class Parts:
    """Examples by set: train, tune, held."""

    train: dict[str, list[Example]] = field(default_factory=dict)
    tune: dict[str, list[Example]] = field(default_factory=dict)
    held: dict[str, list[Example]] = field(default_factory=dict)


def _share(group: str, salt: str, parts: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:8], "big") % parts


def _cut(examples: list[Example], chosen: Callable[[Example], bool]) -> tuple[list[Example], list[Example]]:
    return [one for one in examples if not chosen(one)], [one for one in examples if chosen(one)]


def own(path: Path) -> list[Example]:
    """Messages of the own corpus as examples: every label and risk, and how deep a reflection goes."""
    found = []
    for message in corpus.load(path):
        targets = {str(name): float(message.decided.holds(name)) for name in OWN}
        if message.decided.depth is not None:
            targets |= {depth: float(message.decided.depth == depth) for depth in ("simple", "complex")}
        found.append(Example(message.text, message.situation, targets, message.reply_to))
    return found


def _advised(data: Path, forum: str, part: str) -> list[Example]:
    found = sets.advice(data / "advice-emnlp2020", forum, part)
    return [replace(one, targets={"advised": one.targets["advice"]}) for one in found]


def _whole(data: Path) -> Iterator[tuple[str, list[Example]]]:
    yield "epitome", sets.epitome(data / "epitome-reddit")
    yield "offmychest", sets.offmychest(data / "claff-offmychest")
    for place in ("wikipedia", "stack-exchange"):
        yield f"politeness-{place}", sets.politeness(data / "stanford-politeness", place)


def first_pieces(examples: list[Example], cutter: Cutter) -> list[Piece]:
    """Of each text its first piece: of a long one no more is learnt from, or judged."""
    return [cutter.cut(one.text, one.reply_to)[0] for one in examples]


def gather(data: Path, corpus_folder: Path, *, fold: int = 0) -> Parts:
    """All examples in parts. data: the folder of public sets; fold: 0 to 4, which fifth is held of sets without a cut of
    their own. Raises SetError, CorpusError, OSError."""
    parts = Parts()
    for name, examples in _whole(data):
        rest, parts.held[name] = _cut(examples, lambda one, name=name: _share(one.group, name, FOLDS) == fold)  # type: ignore[misc]
        parts.train[name], parts.tune[name] = _cut(rest, lambda one: _share(one.group, "tune", 10) == 0)
    published: list[tuple[str, list[Example], list[Example]]] = [
        ("emotions", sets.emotions(data / "goemotions", "train"), sets.emotions(data / "goemotions", "dev")),
        ("intimacy", sets.intimacy(data / "question-intimacy", "train"), sets.intimacy(data / "question-intimacy", "val")),
        *((f"advice-{forum}", _advised(data, forum, "train"), _advised(data, forum, "dev")) for forum in FORUMS),
        ("needs", sets.needs(data / "casino", "train"), sets.needs(data / "casino", "valid")),
    ]
    for name, train, held in published:
        parts.held[name] = held
        parts.train[name], parts.tune[name] = _cut(train, lambda one: _share(one.group, "tune", 20) == 0)
    parts.train["own"] = own(corpus_folder / "en" / "train.jsonl")
    parts.tune["own"] = own(corpus_folder / "en" / "dev.jsonl")
    parts.held["own"] = own(corpus_folder / "en" / "test.jsonl")
    # What is judged must not have been learnt word for word: texts that stand in a held part leave the others.
    for name, held in parts.held.items():
        known = {(one.text, one.reply_to) for one in held}
        for part in (parts.train, parts.tune):
            part[name] = [one for one in part[name] if (one.text, one.reply_to) not in known]
    return parts
