"""Deriving keys from keys: BLAKE2b-256 keyed with the secret and personalised by purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import nacl.bindings

from .keys import Key

PERSON_BYTES = 16
KEY_CHECK_BYTES = 16
HASH_BYTES = 32
PUBLIC_BYTES = 32
MIN_SECRET_BYTES = 16
MAX_SECRET_BYTES = 64


class Purpose(StrEnum):
    """What a derived value is for. Never renamed, never used for two things; at most 11 characters."""

    KEY_CHECK = "keyid"
    SELF = "self"
    BOX = "box"
    KIT = "kek-kit"
    PASSKEY = "kek-prf"
    GRANT = "grant"
    ROSTER = "roster"
    INVITE = "invite"
    INVITE_HASH = "invite-hash"
    COMPARE = "compare"
    ADDRESS = "address"


def _person(purpose: Purpose) -> bytes:
    return f"ck/{purpose.value}/1".encode("ascii").ljust(PERSON_BYTES, b"\0")


def blake2b(data: bytes, *, key: bytes = b"", size: int = HASH_BYTES, purpose: Purpose | None = None) -> bytes:
    """BLAKE2b through libsodium. key: empty or 16 to 64 bytes; size: 16 to 64; purpose None: no personalisation."""
    person = _person(purpose) if purpose is not None else b""
    return bytes(
        nacl.bindings.crypto_generichash_blake2b_salt_personal(data, digest_size=size, key=key, salt=b"", person=person)
    )


def derive(secret: bytes, purpose: Purpose, data: bytes = b"") -> Key:
    """The key for one purpose. secret: 16 to 64 bytes; data: anything public that the key shall be bound to.

    Raises ValueError for a secret of another length: an empty one would give a key that everybody can work out.
    """
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise ValueError("a secret is 16 to 64 bytes")
    return Key(blake2b(data, key=secret, purpose=purpose))


def key_check(key: Key) -> bytes:
    """16 bytes that commit to a key, stored in each envelope's header and compared before opening.

    XChaCha20-Poly1305 alone does not commit to its key: one ciphertext can be made to open under two. This closes that.
    """
    if key.check is None:
        key.check = blake2b(b"", key=key.raw, size=KEY_CHECK_BYTES, purpose=Purpose.KEY_CHECK)
    return key.check


def chain_hash(envelope: bytes) -> bytes:
    """32 bytes that stand for an event's envelope in its successor's associated data."""
    return blake2b(envelope)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An X25519 pair. Grants come to `public`. Prints as <key>."""

    public: bytes
    private: Key

    @classmethod
    def from_key(cls, private: Key) -> KeyPair:
        return cls(public=bytes(nacl.bindings.crypto_scalarmult_base(private.raw)), private=private)

    def __repr__(self) -> str:
        return "<key>"
