"""A passkey that opens the keyring: what its device answers, where the browser offers WebAuthn's PRF extension."""

from __future__ import annotations

from .derive import Purpose, derive
from .keys import Key

#: What every device is asked about. The same for all: signing in without a name knows no passkey beforehand. The answer
#: differs with each passkey, and the salt of each wrap makes another key of it.
PRF_INPUT = b"closeknit/prf/1"
PRF_BYTES = 32
PASSKEY_SALT_BYTES = 16


def passkey_key(answer: bytes, salt: bytes) -> Key:
    """The key that a passkey's answer gives. answer: 32 bytes; salt: 16, the wrap's own. Raises ValueError otherwise."""
    if len(answer) != PRF_BYTES or len(salt) != PASSKEY_SALT_BYTES:
        raise ValueError("an answer is 32 bytes, a salt 16")
    return derive(answer, Purpose.PASSKEY, salt)
