"""Word pieces: a text as numbers, by the uncased BERT vocabulary, each with its place in the text.

Our own hundred lines, since the well-kept library for this brings a downloader and its network code into a program that
promises to have none (docs/decisions/0012). Tests hold it to that library's answers on texts of every kind.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

#: A word of more characters than this is unknown as a whole.
LONGEST_WORD = 100
_IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)
_SPACE = " "


@lru_cache(maxsize=4096)
def _plain(character: str) -> tuple[str, bool]:
    """(what one character becomes: nothing, a space, or small letters without accents; whether it stands alone)."""
    if character in "\t\n\r" or (character.isspace() and unicodedata.category(character)[0] == "Z"):
        return _SPACE, False
    if character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}:
        return "", False
    if any(first <= ord(character) <= last for first, last in _IDEOGRAPHS):
        return character, True
    bare = "".join(one for one in unicodedata.normalize("NFD", character) if unicodedata.category(one) != "Mn")
    lower = "".join(one.lower() for one in bare)
    return lower, len(lower) == 1 and _is_punctuation(lower)


def _is_punctuation(character: str) -> bool:
    number = ord(character)
    ascii_marks = 33 <= number <= 47 or 58 <= number <= 64 or 91 <= number <= 96 or 123 <= number <= 126
    return ascii_marks or unicodedata.category(character).startswith("P")


class WordPieces:
    """Cuts texts by a vocabulary. words: in the order of their numbers. Raises ValueError if a mark is missing."""

    def __init__(self, words: Sequence[str]) -> None:
        self._numbers = {word: number for number, word in enumerate(words)}
        try:
            self.first, self.end, self.unknown = (self._numbers[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
        except KeyError as error:
            raise ValueError(f"this vocabulary has no {error}") from None
        self._of_word = lru_cache(maxsize=8192)(self._pieces_of)

    @classmethod
    def load(cls, path: Path) -> WordPieces:
        """A vocabulary from a file with one piece a line. Raises OSError, ValueError."""
        return cls(path.read_text("utf-8").splitlines())

    def cut(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """(the pieces' numbers, where each stands in the text, in characters). No marks are added; what looks like a mark
        in a text is only its letters."""
        ids: list[int] = []
        places: list[tuple[int, int]] = []
        letters: list[str] = []
        at: list[int] = []

        def close() -> None:
            if letters:
                for number, since, until in self._of_word("".join(letters)):
                    ids.append(number)
                    places.append((at[since], at[until - 1] + 1))
                letters.clear()
                at.clear()

        for where, character in enumerate(text):
            plain, alone = _plain(character)
            if plain == _SPACE:
                close()
            elif alone:
                close()
                letters.append(plain)
                at.append(where)
                close()
            else:
                letters.extend(plain)
                at.extend([where] * len(plain))
        close()
        return ids, places

    def _pieces_of(self, word: str) -> tuple[tuple[int, int, int], ...]:
        """(number, since, until) of a word's pieces: the longest known beginning, again and again."""
        whole = ((self.unknown, 0, len(word)),)
        if len(word) > LONGEST_WORD:
            return whole
        found, since = [], 0
        while since < len(word):
            until = len(word)
            while until > since:
                number = self._numbers.get(("##" if since else "") + word[since:until])
                if number is not None:
                    break
                until -= 1
            else:
                return whole
            found.append((number, since, until))
            since = until
        return tuple(found)
