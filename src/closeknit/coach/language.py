"""Whether a text is in a language that the coach has learnt: English. When in doubt it reads; short texts say too little."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

#: Fewer words than this tell no language apart.
FEWEST_WORDS = 5
SURE = 0.95
#: Little words that no English sentence of some length lacks, and that other languages have seldom.
_ENGLISH = frozenset(
    """
    i you he she it we they me him her us them my your his its our their the a an and or but not no is are was were be been
    am do does did have has had will would can could should of to in on at for with from about as if so that this there
    what when why how who all just too i'm it's don't you're u ur im dont
    """.split()
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def letters_are_latin(text: str) -> bool:
    """Whether at least half of a text's letters are Latin ones; also of a text without letters."""
    letters = [one for one in text if one.isalpha()]
    return not letters or 2 * sum(bool(_LATIN.match(one)) for one in letters) >= len(letters)


def is_english(text: str) -> bool:
    """Whether to read a text as English. False only where another language is plain."""
    if not letters_are_latin(text):
        return False
    words = [one.lower().replace("’", "'") for one in _WORD.findall(text[:2000])]
    if len(words) < FEWEST_WORDS or sum(word in _ENGLISH for word in words) > 0.2 * len(words):
        return True
    language, sure = _identifier().classify(text[:2000])
    return language == "en" or float(sure) < SURE
