"""Streams keep an envelope's promises for things of any length, in little memory."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Iterator
from uuid import UUID

import nacl.bindings as sodium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit import vault
from closeknit.vault.envelope import padme
from closeknit.vault.stream import CHUNK_BYTES, CHUNK_CONTENT_BYTES, SEALED_CHUNK_BYTES

KEY = vault.Key(b"c" * 32)
HERE = vault.Context(vault.Place.ITEM, UUID(int=1), UUID(int=2), 3)
MESSAGE, FINAL = 0, 3


def sealed(content: bytes) -> bytes:
    return b"".join(vault.seal_stream(KEY, HERE, [content]))


def opened(raw: bytes, *, key: vault.Key = KEY, context: vault.Context = HERE) -> bytes:
    return b"".join(vault.open_stream(key, context, [raw]))


def chunk(content: bytes) -> bytes:
    return (len(content).to_bytes(4, "big") + content).ljust(CHUNK_BYTES, b"\0")


def made_with_the_right_key(*chunks: tuple[bytes, int]) -> bytes:
    """A stream as its key's holder could make it by hand: `init_push` draws its own header here."""
    header = bytes((1, 2, 3, 0, 0, 0, 0)) + vault.key_check(KEY)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    raw = header + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, KEY.raw)
    for plain, tag in chunks:
        raw += sodium.crypto_secretstream_xchacha20poly1305_push(state, plain, HERE.associated_data(header), tag)
    return raw


@pytest.mark.parametrize("chunks", [0, 1, 2, 3, 8, 9, 10])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_round_trip_and_size(chunks, more):
    content = b"x" * max(0, chunks * CHUNK_CONTENT_BYTES + more)
    raw = sealed(content)
    assert opened(raw) == content
    needed = max(1, -(-len(content) // CHUNK_CONTENT_BYTES))
    assert len(raw) == 47 + padme(needed) * SEALED_CHUNK_BYTES


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 3 * CHUNK_BYTES), st.integers(1, 200_000), st.integers(1, 200_000))
def test_the_size_of_the_parts_does_not_matter(size, step_in, step_out):
    content = bytes(range(256)) * (size // 256)
    parts = [content[at : at + step_in] for at in range(0, len(content), step_in)] if step_in > 500 else [content, b""]
    raw = b"".join(vault.seal_stream(KEY, HERE, parts))
    pieces = [raw[at : at + step_out] for at in range(0, len(raw), step_out)] if step_out > 500 else [b"", raw]
    assert b"".join(vault.open_stream(KEY, HERE, iter(pieces))) == content


def test_byte_by_byte():
    raw = sealed(b"small")
    assert b"".join(vault.open_stream(KEY, HERE, (raw[at : at + 1] for at in range(len(raw))))) == b"small"


def test_memory_stays_flat():
    def parts(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 100_000

    peaks, totals = [], []
    for count in (20, 200):
        tracemalloc.start()
        totals.append(sum(map(len, vault.open_stream(KEY, HERE, vault.seal_stream(KEY, HERE, parts(count))))))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert totals == [2_000_000, 20_000_000]
    assert peaks[1] < 1_500_000 and peaks[1] < peaks[0] * 1.2


def test_what_libsodium_starts_by_itself_opens():
    """Our way of starting a stream, which takes the header from our source, is libsodium's own."""
    assert opened(made_with_the_right_key((chunk(b"hello"), FINAL))) == b"hello"


FULL = chunk(b"x" * CHUNK_CONTENT_BYTES)


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [(chunk(b"a"), MESSAGE)],
        [(chunk(b"a"), FINAL), (chunk(b"b"), FINAL)],
        [(FULL, FINAL), (chunk(b"b"), MESSAGE)],
        [(FULL, 1), (chunk(b"b"), FINAL)],
        [(FULL, 2), (chunk(b"b"), FINAL)],
        [(chunk(b"a"), MESSAGE), (chunk(b"b"), FINAL)],
        [(chunk(b""), MESSAGE), (chunk(b"b"), FINAL)],
        [(chunk(b"a"), MESSAGE), (chunk(b""), FINAL)],
        [(FULL, MESSAGE)] * 8 + [(chunk(b"b"), FINAL)],
        [(FULL, MESSAGE)] * 9 + [(chunk(b""), MESSAGE), (chunk(b""), FINAL)],
        [(b"\0\0\0\1a", FINAL)],
        [(b"", FINAL)],
        [(b"\0\1\0\0" + bytes(CHUNK_BYTES - 4), FINAL)],
        [(chunk(b"a")[:-1] + b"\1", FINAL)],
    ],
    ids=range(15),
)
def test_only_what_sealing_makes_is_taken(chunks):
    with pytest.raises(vault.DoesNotOpen):
        opened(made_with_the_right_key(*chunks))


def test_full_chunks_and_empty_ones_are_as_sealing_makes_them():
    """So that the refusals above are for the right reasons."""
    nine = [(FULL, MESSAGE)] * 8 + [(chunk(b"b"), MESSAGE), (chunk(b""), FINAL)]
    assert len(opened(made_with_the_right_key(*nine))) == 8 * CHUNK_CONTENT_BYTES + 1
    assert opened(made_with_the_right_key((FULL, MESSAGE), (chunk(b"b"), FINAL)))[-2:] == b"xb"
    assert opened(made_with_the_right_key((chunk(b""), FINAL))) == b""


@pytest.mark.parametrize(
    "moved",
    [
        {"place": vault.Place.DRAFT},
        {"row": UUID(int=9)},
        {"owner": UUID(int=9)},
        {"revision": 4},
        {"revision": -1},
        {"previous": bytes(32)},
        {"extra": (b"",)},
    ],
    ids=str,
)
def test_streams_open_nowhere_else(moved):
    with pytest.raises(vault.DoesNotOpen):
        opened(sealed(b"a picture"), context=dataclasses.replace(HERE, **moved))


def test_another_key_is_refused_even_with_its_check_put_in():
    raw, other = sealed(b"a picture"), vault.Key(b"d" * 32)
    for forged in (raw, raw[:7] + vault.key_check(other) + raw[23:]):
        with pytest.raises(vault.DoesNotOpen):
            opened(forged, key=other)


def test_a_stream_that_names_another_key_than_its_own_is_refused():
    header = bytes((1, 2, 3, 0, 0, 0, 0)) + vault.key_check(vault.Key(b"d" * 32))
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    raw = header + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, KEY.raw)
    raw += sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk(b"a"), HERE.associated_data(header), FINAL)
    with pytest.raises(vault.DoesNotOpen):
        opened(raw)


def test_every_byte_of_the_start_counts():
    raw = sealed(b"a picture")
    for at in [*range(60), len(raw) - 1]:
        with pytest.raises(vault.VaultError):
            opened(raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :])


def test_chunks_of_two_streams_do_not_mix():
    one, other = (sealed(b"x" * (2 * CHUNK_CONTENT_BYTES)) for _ in range(2))
    cut = 47 + SEALED_CHUNK_BYTES
    with pytest.raises(vault.DoesNotOpen):
        opened(one[:cut] + other[cut:])
    with pytest.raises(vault.DoesNotOpen):
        opened(one[:47] + other[47:])


def test_a_stream_is_no_envelope_and_an_envelope_no_stream():
    with pytest.raises(vault.UnknownAlgorithm):
        vault.open_envelope(KEY, vault.Kind.CONTENT, HERE, sealed(b"a picture"))
    with pytest.raises(vault.UnknownAlgorithm):
        opened(vault.seal(KEY, vault.Kind.CONTENT, HERE, b"words"))
    as_stream = bytearray(vault.seal(KEY, vault.Kind.CONTENT, HERE, b"words"))
    as_stream[1] = 2
    with pytest.raises(vault.DoesNotOpen):
        opened(bytes(as_stream))


def test_sealing_at_an_impossible_context():
    with pytest.raises(ValueError):
        next(vault.seal_stream(KEY, dataclasses.replace(HERE, revision=-1), [b"x"]))
