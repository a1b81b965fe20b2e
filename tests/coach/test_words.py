"""Word pieces: the same as the library gives that the encoder was trained with, and safe for any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closeknit.coach.words import LONGEST_WORD, WordPieces

KNOWN = json.loads((Path(__file__).parent / "pieces.json").read_text("utf-8"))
WORDS = WordPieces(KNOWN["words"])


@pytest.mark.parametrize("one", KNOWN["texts"], ids=range(len(KNOWN["texts"])))
def test_the_same_pieces_at_the_same_places_as_the_tokenizers_library_gives(one):
    ids, places = WORDS.cut(one["text"])
    assert [KNOWN["words"][number] for number in ids] == one["pieces"]
    assert [list(place) for place in places] == one["places"]


@given(st.text(max_size=300))
def test_any_text_is_cut_and_every_piece_has_its_place(text):
    ids, places = WORDS.cut(text)
    assert len(ids) == len(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert [start for start, _end in places] == sorted(start for start, _end in places)


def test_a_mark_in_a_text_is_only_its_letters():
    ids, _places = WORDS.cut("[SEP] [CLS]")
    assert WORDS.end not in ids and WORDS.first not in ids


def test_a_word_that_never_ends_is_unknown():
    assert WORDS.cut("a" * (LONGEST_WORD + 1))[0] == [WORDS.unknown]


def test_a_vocabulary_without_its_marks_is_refused(tmp_path):
    with pytest.raises(ValueError, match="SEP"):
        WordPieces(["[CLS]", "a"])
    (tmp_path / "vocab.txt").write_text("\n".join(KNOWN["words"]) + "\n", "utf-8")
    assert WordPieces.load(tmp_path / "vocab.txt").cut("don't") == WORDS.cut("don't")
