"""A text as the network reads it: what is answered in front, the text behind it, a long text in overlapping pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .heads import REPLY_TOKENS, TEXT_TOKENS

#: A long text is read in pieces that share this many tokens, so that no sentence is only seen cut in two.
OVERLAP = 40


class Encoding(Protocol):
    """Token numbers, and where each stands in the text, in characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer(Protocol):
    """What is asked of a tokenizer; that of the tokenizers package, without padding or truncation, is one."""

    def encode(self, sequence: str, *, add_special_tokens: bool) -> Encoding:
        """A text's tokens."""

    def token_to_id(self, token: str) -> int | None:
        """A token's number."""


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
    """Cuts texts into pieces with one tokenizer. Raises ValueError for one that lacks a mark, pads or truncates."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._first, self._end, self._unknown = (self._number(name) for name in ("[CLS]", "[SEP]", "[UNK]"))
        # As it comes from its file a tokenizer often pads and truncates: all texts would be equally long, the long ones cut.
        for words in (1, 2 * TEXT_TOKENS):
            if len(self._tokens("a " * words)[0]) != words:
                raise ValueError("this tokenizer pads or truncates; switch both off first")

    def _number(self, name: str) -> int:
        number = self._tokenizer.token_to_id(name)
        if number is None:
            raise ValueError(f"this tokenizer has no {name}")
        return number

    def _tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    def unknown(self, text: str) -> float:
        """The share of a text's tokens that the network has never seen, 0 to 1."""
        ids, _offsets = self._tokens(text)
        return sum(one == self._unknown for one in ids) / len(ids) if ids else 0.0

    def cut(self, text: str, reply_to: str | None) -> list[Piece]:
        """The text's pieces, in order; at least one, also of an empty text."""
        reply: Sequence[int] = self._tokens(reply_to)[0] if reply_to else ()
        front, back = REPLY_TOKENS
        if len(reply) > front + back:
            reply = [*reply[:front], *reply[-back:]]
        head = [self._first, *reply, self._end]
        ids, offsets = self._tokens(text)
        starts = range(0, max(len(ids) - OVERLAP, 1), TEXT_TOKENS - OVERLAP) if len(ids) > TEXT_TOKENS else (0,)
        pieces = []
        for start in starts:
            own = ids[start : start + TEXT_TOKENS]
            types = [0] * len(head) + [1] * (len(own) + 1)
            pieces.append(Piece([*head, *own, self._end], types, offsets[start : start + TEXT_TOKENS]))
        return pieces
