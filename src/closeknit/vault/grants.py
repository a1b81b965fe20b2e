"""Handing a bond's key to a mate, provably from someone who already held the one before.

A sealed box does not prove its sender, so whoever can write to the database could plant a key. A grant is
authenticated: its key comes from both parties' X25519 keys, and it carries the key check of the previous epoch.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from uuid import UUID

import nacl.bindings
import nacl.exceptions

from .derive import KEY_CHECK_BYTES, PUBLIC_BYTES, KeyPair, Purpose, blake2b, derive
from .envelope import MAX_EPOCH, Context, Envelope, Kind, Padding, open_envelope, parse, seal
from .errors import DoesNotOpen
from .keys import KEY_BYTES, Key, RandomBytes, libsodium_random
from .places import Place


def roster_hash(roster: Mapping[UUID, bytes]) -> bytes:
    """32 bytes that stand for who is in a bond. roster: member id to public key.

    Raises DoesNotOpen for a public key of another length than 32 bytes: two rosters could hash alike.
    """
    if any(len(public) != PUBLIC_BYTES for public in roster.values()):
        raise DoesNotOpen("does not open")
    return blake2b(b"".join(member.bytes + roster[member] for member in sorted(roster)), purpose=Purpose.ROSTER)


def _grant_key(own: KeyPair, other: bytes, sender: bytes, recipient: bytes) -> Key:
    if len(other) != PUBLIC_BYTES:  # the binding does not look, and would read past the end
        raise DoesNotOpen("does not open")
    try:
        shared = bytes(nacl.bindings.crypto_scalarmult(own.private.raw, other))
    except (nacl.exceptions.CryptoError, nacl.exceptions.RuntimeError, ValueError, TypeError):
        raise DoesNotOpen("does not open") from None
    if not any(shared):
        raise DoesNotOpen("does not open")
    return derive(shared, Purpose.GRANT, sender + recipient)


def _context(grant: UUID, bond: UUID, epoch: int, sender: UUID, recipient: UUID, roster: bytes) -> Context:
    extra = (struct.pack(">I", epoch), sender.bytes, recipient.bytes, roster)
    return Context(Place.GRANT, grant, bond, extra=extra)


def make_grant(
    *,
    sender: KeyPair,
    recipient_public: bytes,
    grant_id: UUID,
    bond_id: UUID,
    epoch: int,
    sender_id: UUID,
    recipient_id: UUID,
    roster: bytes,
    bond_key: Key,
    previous_check: bytes,
    random: RandomBytes = libsodium_random,
) -> Envelope:
    """Seal a bond's key of one epoch for one mate.

    recipient_public: the pinned public key; roster: `roster_hash` of the new epoch; previous_check: key check of the
    previous epoch (16 bytes; zeros for a newcomer's first). Raises DoesNotOpen for a public key of small order.
    """
    if len(previous_check) != KEY_CHECK_BYTES:
        raise ValueError("a key check is exactly 16 bytes")
    if not 0 <= epoch <= MAX_EPOCH:
        raise ValueError("epoch out of range")
    key = _grant_key(sender, recipient_public, sender.public, recipient_public)
    context = _context(grant_id, bond_id, epoch, sender_id, recipient_id, roster)
    return seal(
        key, Kind.GRANT, context, bond_key.raw + previous_check, epoch=epoch, padding=Padding.CHOICE, random=random
    )


def open_grant(
    *,
    recipient: KeyPair,
    sender_public: bytes,
    raw: bytes,
    grant_id: UUID,
    bond_id: UUID,
    epoch: int,
    sender_id: UUID,
    recipient_id: UUID,
    roster: bytes,
) -> tuple[Key, bytes]:
    """(bond key, key check of the previous epoch). sender_public: the *pinned* key of the sender.

    Raises the errors of `parse` for its outside, DoesNotOpen if it was not made by that sender, for this recipient,
    bond, epoch and roster.
    """
    if parse(raw).epoch != epoch:
        raise DoesNotOpen("does not open")
    key = _grant_key(recipient, sender_public, sender_public, recipient.public)
    plain = open_envelope(key, Kind.GRANT, _context(grant_id, bond_id, epoch, sender_id, recipient_id, roster), raw)
    if len(plain) != KEY_BYTES + KEY_CHECK_BYTES:
        raise DoesNotOpen("does not open")
    return Key(plain[:KEY_BYTES]), plain[KEY_BYTES:]
