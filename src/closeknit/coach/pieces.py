"""A text as the network reads it: what is answered in front, the text behind it, a long text in overlapping pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .heads import REPLY_TOKENS, TEXT_TOKENS

#: A long text is read in pieces that share this many tokens, so that no sentence is only seen cut in two.
OVERLAP = 40
#: Quotes as the network learnt them, whatever a phone makes of them. Each is one character for one.
_STRAIGHT = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}


class Tokens(Protocol):
    """What is asked of a vocabulary: `words.WordPieces` is one."""

    first: int
    end: int

    def cut(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """A text's numbers, and where each stands in it, in characters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Token numbers, which of them are the text's own (1) or what is answered (0), and where each own token stands in
    the text, in characters."""

    ids: list[int]
    types: list[int]
    offsets: list[tuple[int, int]]

    @property
    def start(self) -> int:
        """Where the first own token stands in `ids`."""
        return len(self.ids) - 1 - len(self.offsets)


class Cutter:
    """Cuts texts into pieces with one vocabulary."""

    def __init__(self, words: Tokens) -> None:
        self._words = words

    def cut(self, text: str, reply_to: str | None) -> list[Piece]:
        """The text's pieces, in order; at least one, also of an empty text."""
        reply: Sequence[int] = self._words.cut(reply_to.translate(_STRAIGHT))[0] if reply_to else ()
        front, back = REPLY_TOKENS
        if len(reply) > front + back:
            reply = [*reply[:front], *reply[-back:]]
        head = [self._words.first, *reply, self._words.end]
        ids, offsets = self._words.cut(text.translate(_STRAIGHT))
        starts = range(0, max(len(ids) - OVERLAP, 1), TEXT_TOKENS - OVERLAP) if len(ids) > TEXT_TOKENS else (0,)
        pieces = []
        for start in starts:
            own = ids[start : start + TEXT_TOKENS]
            types = [0] * len(head) + [1] * (len(own) + 1)
            pieces.append(Piece([*head, *own, self._words.end], types, offsets[start : start + TEXT_TOKENS]))
        return pieces
