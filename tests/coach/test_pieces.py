"""What the network reads: the reply in front, the text behind it, long texts in pieces that overlap."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from closeknit.coach import heads
from closeknit.coach.labels import Label, Risk
from closeknit.coach.pieces import OVERLAP, Cutter


@dataclass
class Words:
    """A tokenizer that knows words by heart as they come."""

    known: dict[str, int] = field(default_factory=lambda: {"[CLS]": 1, "[SEP]": 2})

    first, end = 1, 2

    def cut(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        found = list(re.finditer(r"\w+|\S", text))
        return [self.known.setdefault(one[0], len(self.known) + 10) for one in found], [one.span() for one in found]


def test_the_reply_stands_in_front_and_is_not_the_texts_own():
    (piece,) = Cutter(Words()).cut("so you felt left out", "nobody asked me")
    assert len(piece.ids) == 1 + 3 + 1 + 5 + 1
    assert piece.types == [0] * 5 + [1] * 6
    assert piece.start == 5 and piece.types[piece.start] == 1
    assert [("so you felt left out")[a:b] for a, b in piece.offsets] == ["so", "you", "felt", "left", "out"]


def test_without_a_reply_the_place_is_kept():
    cutter = Cutter(Words())
    (alone,), (empty,) = cutter.cut("hello", None), cutter.cut("hello", "")
    assert alone == empty and alone.ids[:2] == [1, 2] and alone.start == 2
    (nothing,) = cutter.cut("", None)
    assert nothing.ids == [1, 2, 2] and nothing.offsets == []


def test_of_a_long_reply_its_beginning_and_its_end_are_read():
    front, back = heads.REPLY_TOKENS
    words = Words()
    reply = " ".join(f"w{number}" for number in range(300))
    (piece,) = Cutter(words).cut("yes", reply)
    names = {number: word for word, number in words.known.items()}
    read = [names[one] for one in piece.ids[1 : 1 + front + back]]
    assert read == [f"w{number}" for number in (*range(front), *range(300 - back, 300))]


@pytest.mark.parametrize("size", [1, heads.TEXT_TOKENS, heads.TEXT_TOKENS + 1, 2 * heads.TEXT_TOKENS - OVERLAP, 1000])
def test_every_word_of_a_long_text_is_read_and_pieces_overlap(size):
    text = " ".join(f"w{number}" for number in range(size))
    pieces = Cutter(Words()).cut(text, "and?")
    read = [{text[a:b] for a, b in piece.offsets} for piece in pieces]
    assert set().union(*read) == set(text.split())
    assert all(len(piece.offsets) <= heads.TEXT_TOKENS for piece in pieces)
    assert all(len(one & following) >= OVERLAP for one, following in zip(read, read[1:], strict=False))
    assert (len(pieces) == 1) == (size <= heads.TEXT_TOKENS)


def test_every_output_has_one_place():
    assert len(set(heads.NAMES)) == len(heads.NAMES) == len(heads.PLACE)
    assert all(heads.NAMES[heads.PLACE[name]] == name for name in heads.NAMES)
    assert set(heads.OWN) == (set(Label) - {Label.NEUTRAL}) | set(Risk) and len(heads.EMOTIONS) == 28
