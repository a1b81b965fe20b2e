"""Secrets and fingerprints as words that can be said aloud. The word list is an argument."""

from __future__ import annotations

from collections.abc import Sequence

from .derive import PUBLIC_BYTES, Purpose, blake2b

COMPARE_WORDS = 6


def _digits(number: int, base: int, count: int) -> list[int]:
    digits = []
    for _ in range(count):
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits[::-1]


def word_count(size: int, base: int) -> int:
    """How many words of a list of `base` words it takes for `size` bytes."""
    count, reach = 0, 1
    while reach < 1 << 8 * size:
        count, reach = count + 1, reach * base
    return count


def to_words(data: bytes, words: Sequence[str]) -> list[str]:
    """`data` as words, most significant first. words: at least two, no two alike."""
    return [words[d] for d in _digits(int.from_bytes(data, "big"), len(words), word_count(len(data), len(words)))]


def from_words(typed: Sequence[str], words: Sequence[str], size: int) -> bytes:
    """The `size` bytes that `to_words` turned into `typed`. Raises ValueError for an unknown word or a wrong count."""
    if len(typed) != word_count(size, len(words)):
        raise ValueError("wrong number of words")
    index = {word: i for i, word in enumerate(words)}
    number = 0
    for word in typed:
        if word not in index:
            raise ValueError("unknown word")
        number = number * len(words) + index[word]
    if number >= 1 << 8 * size:
        raise ValueError("words out of range")
    return number.to_bytes(size, "big")


def compare_words(public_a: bytes, public_b: bytes, words: Sequence[str]) -> list[str]:
    """Six words that two members see alike if, and only if, each holds the other's true public key.

    With 7,776 words: 77 bits. The order of the two keys does not matter. Raises ValueError unless both are 32 bytes.
    """
    if len(public_a) != PUBLIC_BYTES or len(public_b) != PUBLIC_BYTES:
        raise ValueError("a public key is exactly 32 bytes")
    digest = blake2b(b"".join(sorted((public_a, public_b))), purpose=Purpose.COMPARE)
    return [words[d] for d in _digits(int.from_bytes(digest, "big"), len(words), COMPARE_WORDS)]
