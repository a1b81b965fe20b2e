"""The secret that an invitation's link, QR code or spoken words carry."""

from __future__ import annotations

from .derive import Purpose, derive
from .keys import Key, RandomBytes, libsodium_random

INVITATION_SECRET_BYTES = 20


def new_invitation_secret(random: RandomBytes = libsodium_random) -> bytes:
    """20 fresh random bytes."""
    return random(INVITATION_SECRET_BYTES)


def invitation_key(secret: bytes) -> Key:
    """The key that seals what an invitation says and what its acceptance answers."""
    return derive(secret, Purpose.INVITE)


def invitation_hash(secret: bytes) -> bytes:
    """32 bytes by which the server knows the secret without being able to use it."""
    return derive(secret, Purpose.INVITE_HASH).raw
