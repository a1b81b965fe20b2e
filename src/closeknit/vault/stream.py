"""Things of more than 64 KiB: the same promises as an envelope, in chunks, so that memory stays flat.

byte 0       version = 1
byte 1       algorithm = 2  (libsodium's secretstream, XChaCha20-Poly1305)
byte 2       kind = 3, content
bytes 3-6    zeros
bytes 7-22   key check
bytes 23-46  secretstream header
rest         chunks of 65,536 bytes and 17 more each; the last one, and no other, bears the final tag

A chunk holds a 4-byte length, at most 65,532 bytes, and zeros. Every chunk with content but the last is full. Empty
chunks follow until their number is a Padmé size, so that a stream's length tells little. Each chunk is bound to the
same associated data as an envelope with this header would be; secretstream itself fixes their order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import nacl.bindings as sodium
import nacl.exceptions

from .derive import key_check
from .envelope import HEADER_BYTES, LENGTH_PREFIX_BYTES, NONCE_BYTES, VERSION, Context, Kind, padme, strip_zeros
from .errors import DoesNotOpen, TooShort, UnknownAlgorithm, UnknownKind, UnknownVersion
from .keys import Key, RandomBytes, libsodium_random

STREAM_ALGORITHM = 2
CHUNK_BYTES = 64 * 1024
CHUNK_CONTENT_BYTES = CHUNK_BYTES - LENGTH_PREFIX_BYTES
SEALED_CHUNK_BYTES = CHUNK_BYTES + sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_START_BYTES = HEADER_BYTES + NONCE_BYTES
_MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def _state(key: Key, start: bytes) -> sodium.crypto_secretstream_xchacha20poly1305_state:
    # A stream's state follows from key and header alone, the same on both ends. Beginning with `init_pull` on the
    # sealing end too lets the header come from our source of random bytes; `init_push` would draw its own.
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, start, key.raw)
    return state


def _slices(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in slices of `size`, the last one shorter; holds one slice and one part."""
    held = bytearray()
    for part in parts:
        for offset in range(0, len(part), size):
            held += part[offset : offset + size]
            if len(held) >= size:
                yield bytes(held[:size])
                del held[:size]
    if held:
        yield bytes(held)


def seal_stream(
    key: Key, context: Context, parts: Iterable[bytes], *, random: RandomBytes = libsodium_random
) -> Iterator[bytes]:
    """Seal `parts` under a content key, so that they open with it, at `context`, whole, and nowhere else.

    parts: the content in pieces of any size, never all in memory. Yields the header, then chunk by chunk. Raises
    ValueError for a context out of range, at the first step.
    """
    header = bytes((VERSION, STREAM_ALGORITHM, Kind.CONTENT)) + bytes(4) + key_check(key)
    associated = context.associated_data(header)
    start = random(NONCE_BYTES)
    state = _state(key, start)

    def sealed(content: bytes, tag: int) -> bytes:
        plain = (struct.pack(">I", len(content)) + content).ljust(CHUNK_BYTES, b"\0")
        return bytes(sodium.crypto_secretstream_xchacha20poly1305_push(state, plain, associated, tag))

    yield header + start
    held, count = b"", 1
    for content in _slices(parts, CHUNK_CONTENT_BYTES):
        if held:
            yield sealed(held, _MESSAGE)
            count += 1
        held = content
    for empty in range(padme(count) - count):
        yield sealed(b"" if empty else held, _MESSAGE)
        held = b""
    yield sealed(held, _FINAL)


def open_stream(key: Key, context: Context, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a stream that was sealed with `key` at `context`, in pieces of at most 65,532 bytes.

    parts: the stream in pieces of any size. What was yielded counts only once the iterator has ended by itself: a
    stream that is cut short or continued is noticed at its end. Raises, while being read, TooShort, UnknownVersion,
    UnknownAlgorithm or UnknownKind for its outside, DoesNotOpen for everything else.
    """
    source = iter(parts)
    head = b""
    while len(head) < _START_BYTES:
        part = next(source, None)
        if part is None:
            raise TooShort("shorter than a stream")
        head += part
    if head[0] != VERSION:
        raise UnknownVersion("stream version not known here")
    if head[1] != STREAM_ALGORITHM:
        raise UnknownAlgorithm("stream algorithm not known here")
    if head[2] != Kind.CONTENT:
        raise UnknownKind("a stream of another kind")
    header, rest = head[:HEADER_BYTES], head[_START_BYTES:]
    if not sodium.sodium_memcmp(header[7:], key_check(key)):
        raise DoesNotOpen("does not open")
    try:
        associated = context.associated_data(header)
    except ValueError:
        raise DoesNotOpen("does not open") from None
    state = _state(key, head[HEADER_BYTES:_START_BYTES])

    def all_parts() -> Iterator[bytes]:
        yield rest
        yield from source

    total = filled = 0
    more, tag = True, _MESSAGE
    for chunk in _slices(all_parts(), SEALED_CHUNK_BYTES):
        if tag != _MESSAGE or len(chunk) != SEALED_CHUNK_BYTES:
            raise DoesNotOpen("does not open")
        try:
            plain, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk, associated)
        except nacl.exceptions.CryptoError:
            raise DoesNotOpen("does not open") from None
        content = strip_zeros(bytes(plain))
        total += 1
        if content:
            if not more:
                raise DoesNotOpen("does not open")
            filled = total
            more = len(content) == CHUNK_CONTENT_BYTES
            yield content
        else:
            more = False
    if tag != _FINAL or total != padme(max(filled, 1)):
        raise DoesNotOpen("does not open")
