"""What a member's secret opens."""

from __future__ import annotations

from typing import NoReturn

from .derive import KeyPair, Purpose, derive
from .keys import Key


class Keyring:
    """The keys that follow from one member secret: the self key and the box pair. Prints as <key>."""

    __slots__ = ("box", "secret", "self_key")

    def __init__(self, secret: Key) -> None:
        self.secret = secret
        self.self_key = derive(secret.raw, Purpose.SELF)
        self.box = KeyPair.from_key(derive(secret.raw, Purpose.BOX))

    def address(self, thing: bytes) -> str:
        """16 letters that stand for `thing` in this member's own addresses: a log of them tells nobody what was opened."""
        return derive(self.secret.raw, Purpose.ADDRESS, thing).raw[:8].hex()

    def __repr__(self) -> str:
        return "<key>"

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")
