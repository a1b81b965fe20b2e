"""From a passphrase to the key that wraps a member's secret."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import nacl.pwhash.argon2id

from .errors import PassphraseTooLong, UnknownProfile
from .keys import KEY_BYTES, Key

SALT_BYTES = 16
MAX_PASSPHRASE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """One fixed Argon2id cost: `memory_bytes` of memory, `passes` over it, one lane."""

    id: int
    memory_bytes: int
    passes: int


#: Fixed by id, so that costs in a stored row can neither be lowered nor blown up. The least of them lies above the
#: OWASP password storage minimum (19 MiB, 2 passes, 1 lane). Profile 2 is the default.
PROFILES: dict[int, Profile] = {
    1: Profile(1, 64 * 1024 * 1024, 4),
    2: Profile(2, 128 * 1024 * 1024, 3),
    3: Profile(3, 256 * 1024 * 1024, 3),
}
DEFAULT_PROFILE = 2


def normalise(passphrase: str) -> bytes:
    """NFKC and UTF-8, once, before everything else: a keyboard that composes accents differently still opens.

    Raises PassphraseTooLong above 1,024 bytes, ValueError for text that is not Unicode (lone surrogates).
    """
    try:
        raw = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not valid Unicode") from None
    if len(raw) > MAX_PASSPHRASE_BYTES:
        raise PassphraseTooLong("passphrase too long")
    return raw


def passphrase_key(passphrase: str, salt: bytes, profile_id: int) -> Key:
    """The key under which the member secret is wrapped. salt: 16 bytes, else ValueError.

    Raises UnknownProfile, PassphraseTooLong.
    """
    profile = PROFILES.get(profile_id)
    if profile is None:
        raise UnknownProfile("key derivation profile not known here")
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt is exactly 16 bytes")
    return Key(
        nacl.pwhash.argon2id.kdf(
            KEY_BYTES, normalise(passphrase), salt, opslimit=profile.passes, memlimit=profile.memory_bytes
        )
    )
