"""The envelope: how every readable word is kept.

byte 0       version = 1
byte 1       algorithm = 1  (XChaCha20-Poly1305-IETF)
byte 2       kind
bytes 3-6    key epoch, or the derivation profile of a passphrase wrap; big-endian unsigned
bytes 7-22   key check
bytes 23-46  nonce
rest         ciphertext and 16-byte tag
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from enum import Enum, IntEnum
from uuid import UUID

import nacl.bindings
import nacl.exceptions

from .derive import HASH_BYTES, KEY_CHECK_BYTES, key_check
from .errors import DoesNotOpen, TooLarge, TooShort, UnknownAlgorithm, UnknownKind, UnknownVersion
from .keys import Key, RandomBytes, libsodium_random
from .places import Place

VERSION = 1
ALGORITHM = 1
NONCE_BYTES = 24
TAG_BYTES = 16
HEADER_BYTES = 7 + KEY_CHECK_BYTES
OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
LENGTH_PREFIX_BYTES = 4
#: Larger things are streams in chunks, so that memory stays flat.
MAX_PLAINTEXT_BYTES = 64 * 1024
MAX_EPOCH = 2**32 - 1
MAX_REVISION = 2**64 - 1
_DOMAIN = b"closeknit/env/1"
#: The length of a bound value, in two bytes.
_part_length = struct.Struct(">H").pack


class Kind(IntEnum):
    """Whose key an envelope is under, and what for."""

    SELF = 1
    BOND = 2
    CONTENT = 3
    WRAP = 4
    SESSION = 5
    INVITATION = 6
    GRANT = 7
    DROP = 8


class Padding(Enum):
    """Sizes that plaintexts are brought to, in bytes, so that length tells little."""

    PROSE = 512
    CHOICE = 64


_BUCKETS = tuple(padding.value for padding in Padding)


@dataclass(frozen=True, slots=True)
class Context:
    """Where exactly an envelope belongs. Opening needs the same values as sealing.

    place: which column; row: its row's id; owner: the member or bond it belongs to; revision: of the row, from 0;
    previous: chain hash of the preceding event (32 bytes) or empty; extra: further public values to bind, in order.
    """

    place: Place
    row: UUID
    owner: UUID
    revision: int = 0
    previous: bytes = b""
    extra: tuple[bytes, ...] = ()

    def associated_data(self, header: bytes) -> bytes:
        """What `header` (an envelope's first 23 bytes) is bound to. Raises ValueError for values of no such place."""
        if not 0 <= self.revision <= MAX_REVISION:
            raise ValueError("revision out of range")
        if len(self.previous) not in (0, HASH_BYTES):
            raise ValueError("a chain hash is exactly 32 bytes, or empty")
        parts = (
            self.place.value.encode("ascii"),
            self.row.bytes,
            self.owner.bytes,
            struct.pack(">Q", self.revision),
            self.previous,
            *self.extra,
        )
        try:
            return _DOMAIN + header + b"".join([_part_length(len(part)) + part for part in parts])
        except struct.error:
            raise ValueError("a bound value is at most 65,535 bytes") from None


class Envelope(bytes):
    """Bytes that came out of `seal` or `parse`: the only thing a sealed column accepts."""

    __slots__ = ()

    @property
    def kind(self) -> Kind:
        return Kind(self[2])

    @property
    def epoch(self) -> int:
        return int.from_bytes(self[3:7], "big")

    @property
    def key_check(self) -> bytes:
        return bytes(self[7:HEADER_BYTES])

    def __repr__(self) -> str:
        return "<envelope>"

    __str__ = __repr__


def padme(size: int) -> int:
    """The Padmé size: at most 12 % above `size`, revealing only its magnitude.

    Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PoPETs 2019.
    """
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    mantissa_bits = exponent.bit_length()
    mask = (1 << max(exponent - mantissa_bits, 0)) - 1
    return (size + mask) & ~mask


def pad(plaintext: bytes, padding: Padding) -> bytes:
    """Length prefix, plaintext, zeros. Raises TooLarge if a choice does not fit its one bucket."""
    size = LENGTH_PREFIX_BYTES + len(plaintext)
    bucket = padding.value
    if size > bucket:
        if padding is Padding.CHOICE:
            raise TooLarge("more than one bucket")
        bucket = padme(size)
    return (struct.pack(">I", len(plaintext)) + plaintext).ljust(bucket, b"\0")


def unpad(padded: bytes) -> bytes:
    """Reverses `pad`. Raises DoesNotOpen on anything `pad` would not have made."""
    plaintext = strip_zeros(padded)
    if len(plaintext) > MAX_PLAINTEXT_BYTES or len(padded) not in _padded_sizes(len(plaintext)):
        raise DoesNotOpen("does not open")
    return plaintext


def _padded_sizes(size: int) -> set[int]:
    size += LENGTH_PREFIX_BYTES
    return {bucket for bucket in _BUCKETS if size <= bucket} or {padme(size)}


def strip_zeros(padded: bytes) -> bytes:
    """What a length prefix says is there, if nothing but zeros follows. Raises DoesNotOpen otherwise."""
    if len(padded) < LENGTH_PREFIX_BYTES:
        raise DoesNotOpen("does not open")
    (size,) = struct.unpack(">I", padded[:LENGTH_PREFIX_BYTES])
    end = LENGTH_PREFIX_BYTES + size
    if end > len(padded) or padded.count(0, end) != len(padded) - end:
        raise DoesNotOpen("does not open")
    return padded[LENGTH_PREFIX_BYTES:end]


def seal(
    key: Key,
    kind: Kind,
    context: Context,
    plaintext: bytes,
    *,
    epoch: int = 0,
    padding: Padding = Padding.PROSE,
    random: RandomBytes = libsodium_random,
) -> Envelope:
    """Seal `plaintext` so that it opens with `key`, at `context`, and nowhere else.

    epoch: the key's epoch or profile, 0 to 2**32 - 1. Raises TooLarge above 64 KiB, ValueError for an epoch or
    revision out of range. Source: docs/security.md, envelope.
    """
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise TooLarge("more than an envelope may hold")
    if not 0 <= epoch <= MAX_EPOCH:
        raise ValueError("epoch out of range")
    header = bytes((VERSION, ALGORITHM, kind)) + struct.pack(">I", epoch) + key_check(key)
    nonce = random(NONCE_BYTES)
    sealed = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        pad(plaintext, padding), context.associated_data(header), nonce, key.raw
    )
    return Envelope(header + nonce + sealed)


def parse(raw: bytes) -> Envelope:
    """Check an envelope's outside before any cryptography.

    Raises TooShort, UnknownVersion, UnknownAlgorithm or UnknownKind, in that order of looking.
    """
    raw = bytes(raw)
    if len(raw) < OVERHEAD_BYTES:
        raise TooShort("shorter than an envelope")
    if raw[0] != VERSION:
        raise UnknownVersion("envelope version not known here")
    if raw[1] != ALGORITHM:
        raise UnknownAlgorithm("envelope algorithm not known here")
    if raw[2] not in Kind._value2member_map_:
        raise UnknownKind("envelope kind not known here")
    return Envelope(raw)


def open_envelope(key: Key, kind: Kind, context: Context, raw: bytes) -> bytes:
    """The plaintext of `raw`, if it was sealed with `key`, as `kind`, at `context`.

    Raises the errors of `parse` for its outside, UnknownKind for another kind, DoesNotOpen for everything else.
    """
    envelope = parse(raw)
    if envelope[2] != kind:
        raise UnknownKind("an envelope of another kind")
    header = bytes(envelope[:HEADER_BYTES])
    if not hmac.compare_digest(envelope.key_check, key_check(key)):
        raise DoesNotOpen("does not open")
    nonce = bytes(envelope[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES])
    try:
        padded = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            bytes(envelope[HEADER_BYTES + NONCE_BYTES :]), context.associated_data(header), nonce, key.raw
        )
    except (nacl.exceptions.CryptoError, ValueError):
        # ValueError: a context that nothing can have been sealed at, as an altered row may hold one.
        raise DoesNotOpen("does not open") from None
    return unpad(bytes(padded))
