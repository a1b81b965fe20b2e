"""The one type that carries secret bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import nacl.bindings

#: A source of random bytes: takes a count, returns that many. An argument everywhere, so that vectors are exact.
RandomBytes = Callable[[int], bytes]

KEY_BYTES = 32


def libsodium_random(count: int) -> bytes:
    """`count` bytes from the system's generator, through libsodium."""
    return bytes(nacl.bindings.randombytes(count))


class Key:
    """32 secret bytes. Prints as <key>, compares in constant time, refuses to be pickled, copied or hashed.

    raw: exactly 32 bytes. Raises ValueError otherwise.
    """

    __slots__ = ("_raw", "check")

    def __init__(self, raw: bytes) -> None:
        if not isinstance(raw, bytes) or len(raw) != KEY_BYTES:
            raise ValueError("a key is exactly 32 bytes")
        self._raw = raw
        #: The key check, once `derive.key_check` worked it out: a page opens many envelopes with one key.
        self.check: bytes | None = None

    @classmethod
    def new(cls, random: RandomBytes = libsodium_random) -> Key:
        """A fresh random key."""
        return cls(random(KEY_BYTES))

    @property
    def raw(self) -> bytes:
        """The bytes themselves: for sealing this key inside an envelope, never for logs or pages."""
        return self._raw

    def __repr__(self) -> str:
        return "<key>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and nacl.bindings.sodium_memcmp(self._raw, other._raw)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")
