"""How hard English text is to read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import pyphen


@cache
def _syllables() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence. A colon ends one, too: what follows is read anew."""
    parts = re.split(r"(?<=[.?!…:;])\s+", text)
    found = [re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", part) for part in parts]
    return [words for words in found if words]


def grade(texts: Iterable[str]) -> float:
    """The Flesch-Kincaid grade of texts together (Kincaid and others, 1975): the school year that reads them without
    effort; below 1 for the very plain. Syllables are counted by hyphenation, a little too few. 0 without a word."""
    every = [words for text in texts for words in sentences(text)]
    words = [word for sentence in every for word in sentence]
    if not words:
        return 0.0
    syllables = sum(len(_syllables().positions(word)) + 1 for word in words)
    return 0.39 * len(words) / len(every) + 11.8 * syllables / len(words) - 15.59
