"""Whatever is changed about an envelope, it is refused; whatever is not, it opens."""

from __future__ import annotations

import dataclasses
import pickle
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit import vault

KEYS = st.binary(min_size=32, max_size=32).map(vault.Key)
IDS = st.uuids()
CONTEXTS = st.builds(
    vault.Context,
    place=st.sampled_from(list(vault.Place)),
    row=IDS,
    owner=IDS,
    revision=st.integers(0, 2**64 - 1),
    previous=st.sampled_from([b"", b"h" * 32]),
    extra=st.sampled_from([(), (b"one",), (b"one", b"two")]),
)
KINDS = st.sampled_from(list(vault.Kind))
EPOCHS = st.integers(0, 2**32 - 1)


@given(key=KEYS, kind=KINDS, context=CONTEXTS, epoch=EPOCHS, plain=st.binary(max_size=2000))
def test_round_trip(key, kind, context, epoch, plain):
    sealed = vault.seal(key, kind, context, plain, epoch=epoch)
    assert vault.open_envelope(key, kind, context, sealed) == plain
    assert sealed.epoch == epoch and sealed.kind is kind and plain not in bytes(sealed) or len(plain) < 8


@settings(deadline=None)
@given(key=KEYS, context=CONTEXTS, plain=st.binary(max_size=200), data=st.data())
def test_any_flipped_bit_is_refused(key, context, plain, data):
    sealed = bytearray(vault.seal(key, vault.Kind.SELF, context, plain))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(vault.VaultError):
        vault.open_envelope(key, vault.Kind.SELF, context, bytes(sealed))


@given(key=KEYS, other=KEYS, context=CONTEXTS, elsewhere=CONTEXTS)
def test_nothing_opens_elsewhere_or_with_another_key(key, other, context, elsewhere):
    sealed = vault.seal(key, vault.Kind.BOND, context, b"words", epoch=3)
    for field in ("place", "row", "owner", "revision", "previous", "extra"):
        moved = dataclasses.replace(context, **{field: getattr(elsewhere, field)})
        if moved != context:
            with pytest.raises(vault.DoesNotOpen):
                vault.open_envelope(key, vault.Kind.BOND, moved, sealed)
    for kind in vault.Kind:
        if kind is not vault.Kind.BOND:
            with pytest.raises(vault.UnknownKind):
                vault.open_envelope(key, kind, context, sealed)
    if other != key:
        with pytest.raises(vault.DoesNotOpen):
            vault.open_envelope(other, vault.Kind.BOND, context, sealed)


def test_no_place_opens_for_another():
    """The swap table: one envelope for each place, offered to every other."""
    key, row, owner = vault.Key.new(), uuid.uuid4(), uuid.uuid4()
    for place in vault.Place:
        sealed = vault.seal(key, vault.Kind.SELF, vault.Context(place, row, owner), b"x")
        for other in vault.Place:
            context = vault.Context(other, row, owner)
            if other is place:
                assert vault.open_envelope(key, vault.Kind.SELF, context, sealed) == b"x"
            else:
                with pytest.raises(vault.DoesNotOpen):
                    vault.open_envelope(key, vault.Kind.SELF, context, sealed)


@settings(max_examples=500)
@given(raw=st.binary(max_size=400), head=st.binary(max_size=3))
def test_the_parser_raises_only_named_errors(raw, head):
    for data in (raw, b"\x01\x01" + raw, b"\x01\x01\x02" + raw, head + raw):
        for look in (
            vault.parse,
            lambda d: vault.open_envelope(
                vault.Key(b"k" * 32), vault.Kind.BOND, vault.Context(vault.Place.ITEM, uuid.UUID(int=1), uuid.UUID(int=2)), d
            ),
        ):
            try:
                look(data)
            except vault.VaultError as error:
                assert error.code and "k" * 8 not in str(error)


@given(
    kit=st.binary(min_size=20, max_size=20),
    position=st.integers(0, 38),
    letter=st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
)
def test_a_slip_in_the_kit_is_named_by_its_group(kit, position, letter):
    text = vault.kit_text(kit)
    assert vault.parse_kit(text.lower().replace("-", " ")) == kit
    if text[position] not in ("-", letter):
        with pytest.raises(vault.BadKit) as caught:
            vault.parse_kit(text[:position] + letter + text[position + 1 :])
        assert caught.value.group == position // 6 + 1


def test_a_key_shows_nowhere():
    key = vault.Key(b"\x41" * 32)
    ring = vault.Keyring(key)
    assert f"{key} {key!r} {ring!r}" == "<key> <key> <key>"
    for secret in (key, ring):
        with pytest.raises(TypeError):
            pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(key)


@pytest.mark.parametrize("bad", [b"\0" * 32, b"\1" + b"\0" * 31])
def test_public_keys_of_small_order_are_refused(bad):
    with pytest.raises(vault.DoesNotOpen):
        vault.make_grant(
            sender=vault.Keyring(vault.Key.new()).box,
            recipient_public=bad,
            grant_id=uuid.uuid4(),
            bond_id=uuid.uuid4(),
            epoch=2,
            sender_id=uuid.uuid4(),
            recipient_id=uuid.uuid4(),
            roster=b"r" * 32,
            bond_key=vault.Key.new(),
            previous_check=bytes(16),
        )


def test_passphrases_normalise_and_end_at_1024_bytes():
    assert vault.normalise("e\u0301tude \ufb01") == vault.normalise("\u00e9tude fi")
    assert vault.normalise("שלום 👩‍👩‍👧")
    with pytest.raises(vault.PassphraseTooLong):
        vault.normalise("🙂" * 257)
    with pytest.raises(vault.UnknownProfile):
        vault.passphrase_key("x", b"s" * 16, 9)
