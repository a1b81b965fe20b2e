"""The recovery kit: 160 random bits a person can copy by hand.

Crockford's base32 in 8 groups of 4, each with a check character (modulo 37, the group's number mixed in), so that a
mistyped or swapped group can be named.
"""

from __future__ import annotations

from .derive import Purpose, derive
from .errors import BadKit
from .keys import Key, RandomBytes, libsodium_random

KIT_BYTES = 20
_GROUPS = 8
_GROUP_CHARS = 4
_BITS = 5
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS = _ALPHABET + "*~$=U"
_MODULUS = 37
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def kit_group_count() -> int:
    """How many groups a kit has."""
    return _GROUPS


def new_kit(random: RandomBytes = libsodium_random) -> bytes:
    """20 fresh random bytes."""
    return random(KIT_BYTES)


def kit_key(kit: bytes) -> Key:
    """The key that wraps the member secret for recovery."""
    return derive(kit, Purpose.KIT)


def _check(value: int, group: int) -> str:
    return _CHECKS[(value + group) % _MODULUS]


def kit_text(kit: bytes) -> str:
    """The kit as people see it: 8 groups of 5 characters, joined by hyphens. Raises ValueError unless 20 bytes."""
    if len(kit) != KIT_BYTES:
        raise ValueError("a kit is exactly 20 bytes")
    number = int.from_bytes(kit, "big")
    groups = []
    for index in range(_GROUPS):
        value = number >> (_GROUPS - 1 - index) * _GROUP_CHARS * _BITS & (1 << _GROUP_CHARS * _BITS) - 1
        chars = "".join(_ALPHABET[value >> _BITS * i & 31] for i in reversed(range(_GROUP_CHARS)))
        groups.append(chars + _check(value, index + 1))
    return "-".join(groups)


def parse_kit(text: str) -> bytes:
    """The 20 bytes of a typed kit. Spaces, hyphens and case do not matter; O reads as 0, I and L as 1.

    Raises BadKit naming the first group that does not check, or None when characters are missing or too many.
    """
    chars = "".join(text.split()).replace("-", "").upper()
    width = _GROUP_CHARS + 1
    if len(chars) != _GROUPS * width:
        raise BadKit(None)
    number = 0
    for index in range(_GROUPS):
        group = chars[index * width : (index + 1) * width]
        body = group[:_GROUP_CHARS].translate(_READ_AS)
        if any(char not in _ALPHABET for char in body):
            raise BadKit(index + 1)
        value = 0
        for char in body:
            value = value << _BITS | _ALPHABET.index(char)
        if group[_GROUP_CHARS].translate(_READ_AS) != _check(value, index + 1):
            raise BadKit(index + 1)
        number = number << _GROUP_CHARS * _BITS | value
    return number.to_bytes(KIT_BYTES, "big")
