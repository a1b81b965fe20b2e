"""Whatever bytes a database, a link or a keyboard hands over: only named errors come out."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit import vault
from closeknit.vault.envelope import unpad

hard = settings(deadline=None, max_examples=250)

KEY = vault.Key(b"k" * 32)
HERE = vault.Context(vault.Place.ITEM, UUID(int=1), UUID(int=2))
PAIR = vault.KeyPair.from_key(vault.Key(b"p" * 32))
VALID = [
    bytes(vault.seal(KEY, kind, HERE, text, padding=padding, random=lambda count: bytes(count)))
    for kind in vault.Kind
    for text, padding in ((b"yes", vault.Padding.CHOICE), (b"words " * 90, vault.Padding.PROSE))
]
STREAM = b"".join(vault.seal_stream(KEY, HERE, [b"x" * 100], random=lambda count: bytes(count)))
GRANT = bytes(
    vault.make_grant(
        sender=PAIR,
        recipient_public=PAIR.public,
        grant_id=UUID(int=1),
        bond_id=UUID(int=2),
        epoch=1,
        sender_id=UUID(int=3),
        recipient_id=UUID(int=3),
        roster=bytes(32),
        bond_key=KEY,
        previous_check=bytes(16),
    )
)
STARTS = [b"", b"\1", b"\1\1", b"\1\2", b"\1\2\3", *(bytes((1, 1, kind)) for kind in range(10))]
HEADED = st.sampled_from([*STARTS, *(start[:3] + bytes(4) + vault.key_check(KEY) for start in VALID)])
RANDOM = st.builds(lambda start, rest: start + rest, HEADED, st.binary(max_size=300))


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A valid thing with up to four things done to it: bits, bytes, cuts, insertions, pieces of others."""
    raw = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        match draw(st.integers(0, 4)):
            case 0:
                raw = raw[:at]
            case 1:
                raw = raw[at:]
            case 2:
                raw = raw[:at] + draw(st.binary(max_size=5)) + raw[at + draw(st.integers(0, 5)) :]
            case 3:
                raw = raw[:at] + draw(st.sampled_from(originals))[at:]
            case 4 if at < len(raw):
                raw = raw[:at] + bytes((raw[at] ^ 1 << draw(st.integers(0, 7)),)) + raw[at + 1 :]
    return raw


def only_named_errors(raw: bytes, kind: vault.Kind) -> bytes | None:
    try:
        return vault.open_envelope(KEY, kind, HERE, raw)
    except vault.VaultError as error:
        assert error.code != vault.VaultError.code
        assert str(error) in MESSAGES
        return None


MESSAGES = {
    "shorter than an envelope",
    "envelope version not known here",
    "envelope algorithm not known here",
    "envelope kind not known here",
    "an envelope of another kind",
    "does not open",
}


@hard
@given(RANDOM, st.sampled_from(list(vault.Kind)))
def test_random_bytes(raw, kind):
    assert only_named_errors(raw, kind) is None


@hard
@given(mutated(VALID), st.sampled_from(list(vault.Kind)))
def test_mutated_envelopes(raw, kind):
    assert only_named_errors(raw, kind) is None or raw in VALID


def test_every_truncation():
    for valid in VALID[:2]:
        for size in range(len(valid)):
            assert only_named_errors(valid[:size], vault.Kind.SELF) is None


@hard
@given(st.one_of(RANDOM, mutated(VALID)))
def test_what_parses_has_its_parts(raw):
    try:
        envelope = vault.parse(raw)
    except vault.VaultError:
        return
    assert envelope == raw
    assert (envelope.kind, envelope.epoch) == (raw[2], int.from_bytes(raw[3:7], "big"))
    assert envelope.key_check == raw[7:23]


@hard
@given(
    st.sampled_from(VALID),
    st.builds(
        vault.Context,
        place=st.sampled_from(list(vault.Place)),
        row=st.uuids(),
        owner=st.uuids(),
        revision=st.integers(),
        previous=st.binary(max_size=40),
        extra=st.lists(st.binary(max_size=9) | st.just(bytes(70_000)), max_size=3).map(tuple),
    ),
)
def test_contexts_from_altered_rows(raw, context):
    try:
        vault.open_envelope(KEY, vault.Kind(raw[2]), context, raw)
    except vault.DoesNotOpen:
        return
    raise AssertionError("opened elsewhere")


@hard
@given(
    st.one_of(RANDOM, mutated([GRANT, *VALID])),
    st.binary(max_size=40) | st.just(PAIR.public),
    st.integers() | st.just(1),
    st.binary(max_size=40) | st.just(bytes(32)),
)
def test_grants(raw, public, epoch, roster):
    try:
        vault.open_grant(
            recipient=PAIR,
            sender_public=public,
            raw=raw,
            grant_id=UUID(int=1),
            bond_id=UUID(int=2),
            epoch=epoch,
            sender_id=UUID(int=3),
            recipient_id=UUID(int=3),
            roster=roster,
        )
    except vault.VaultError:
        return
    assert (raw, public, epoch, roster) == (GRANT, PAIR.public, 1, bytes(32))


@settings(deadline=None, max_examples=60)
@given(st.one_of(RANDOM, mutated([STREAM, *VALID])), st.integers(1, 100_000))
def test_streams(raw, step):
    parts = [raw[start : start + step] for start in range(0, len(raw), step)] if step > 40 else [raw]
    try:
        content = b"".join(vault.open_stream(KEY, HERE, parts))
    except vault.VaultError:
        return
    assert raw == STREAM and content == b"x" * 100


@hard
@given(st.binary(max_size=80), st.binary(max_size=20), st.integers(0, 600))
def test_paddings(start, end, room):
    try:
        unpad(start.ljust(room, b"\0") + end)
    except vault.DoesNotOpen:
        return


JSONISH = st.text('{}[]",:0123456789eE+-.truefalsn\\u dNaIity', max_size=60).map(lambda text: text.encode())


@hard
@given(st.binary(max_size=3), st.one_of(JSONISH, st.binary(max_size=60)))
def test_payloads(start, rest):
    for raw in (start + rest, b"\1" + rest, b'\1{"a":' + rest + b"}"):
        try:
            version, data = vault.unpack(raw)
        except vault.DoesNotOpen:
            continue
        assert 1 <= version <= 255 and isinstance(data, dict)
