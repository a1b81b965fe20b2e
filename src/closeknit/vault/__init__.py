"""Keys and envelopes. Pure: PyNaCl alone, no Django, no clock, no files; randomness is an argument.

What is sealed how, and against whom, is written down in docs/security.md. A change to any byte layout here needs a
decision record, new vectors and a new version byte.
"""

from .derive import KeyPair, Purpose, chain_hash, derive, key_check
from .envelope import Context, Envelope, Kind, Padding, open_envelope, parse, seal
from .errors import (
    BadKit,
    DoesNotOpen,
    PassphraseTooLong,
    TooLarge,
    TooShort,
    UnknownAlgorithm,
    UnknownKind,
    UnknownProfile,
    UnknownVersion,
    VaultError,
)
from .grants import make_grant, open_grant, roster_hash
from .invitations import invitation_hash, invitation_key, new_invitation_secret
from .keyring import Keyring
from .keys import Key, RandomBytes, libsodium_random
from .kit import kit_group_count, kit_key, kit_text, new_kit, parse_kit
from .passkey import PASSKEY_SALT_BYTES, PRF_BYTES, PRF_INPUT, passkey_key
from .passphrase import PROFILES, Profile, normalise, passphrase_key
from .payload import pack, unpack
from .places import Place
from .stream import open_stream, seal_stream
from .words import compare_words, from_words, to_words

__all__ = [
    "PASSKEY_SALT_BYTES",
    "PRF_BYTES",
    "PRF_INPUT",
    "PROFILES",
    "BadKit",
    "Context",
    "DoesNotOpen",
    "Envelope",
    "Key",
    "KeyPair",
    "Keyring",
    "Kind",
    "Padding",
    "PassphraseTooLong",
    "Place",
    "Profile",
    "Purpose",
    "RandomBytes",
    "TooLarge",
    "TooShort",
    "UnknownAlgorithm",
    "UnknownKind",
    "UnknownProfile",
    "UnknownVersion",
    "VaultError",
    "chain_hash",
    "compare_words",
    "derive",
    "from_words",
    "invitation_hash",
    "invitation_key",
    "key_check",
    "kit_group_count",
    "kit_key",
    "kit_text",
    "libsodium_random",
    "make_grant",
    "new_invitation_secret",
    "new_kit",
    "normalise",
    "open_envelope",
    "open_grant",
    "open_stream",
    "pack",
    "parse",
    "parse_kit",
    "passkey_key",
    "passphrase_key",
    "roster_hash",
    "seal",
    "seal_stream",
    "to_words",
    "unpack",
]
