"""What holds for all values: it opens where it was sealed, and whatever is changed, it is refused."""

from __future__ import annotations

import dataclasses
import itertools
import unicodedata
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from closeknit import vault
from closeknit.vault.envelope import HEADER_BYTES, OVERHEAD_BYTES, pad, padme, unpad
from closeknit.vault.words import word_count

some = settings(deadline=None, max_examples=60)
many = settings(deadline=None, max_examples=200)

KEYS = st.binary(min_size=32, max_size=32).map(vault.Key)
KINDS = st.sampled_from(list(vault.Kind))
CONTEXTS = st.builds(
    vault.Context,
    place=st.sampled_from(list(vault.Place)),
    row=st.uuids(),
    owner=st.uuids(),
    revision=st.integers(0, 2**64 - 1),
    previous=st.just(b"") | st.binary(min_size=32, max_size=32),
    extra=st.lists(st.binary(max_size=40), max_size=3).map(tuple),
)
EPOCHS = st.integers(0, 2**32 - 1)
KIT = st.binary(min_size=20, max_size=20)
KIT_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"

KEY = vault.Key(bytes(range(32)))
HERE = vault.Context(vault.Place.EVENT, UUID(int=1), UUID(int=2), 7, b"p" * 32, (b"one", b"two"))


def refused(key: vault.Key, kind: vault.Kind, context: vault.Context, raw: bytes) -> str:
    with pytest.raises(vault.VaultError) as caught:
        vault.open_envelope(key, kind, context, raw)
    return caught.value.code


# Envelopes.


@many
@given(KEYS, KINDS, CONTEXTS, EPOCHS, st.binary(max_size=2000))
def test_what_was_sealed_opens(key, kind, context, epoch, plain):
    sealed = vault.seal(key, kind, context, plain, epoch=epoch)
    assert vault.open_envelope(key, kind, context, bytes(sealed)) == plain
    assert (sealed.kind, sealed.epoch) == (kind, epoch)
    if len(plain) >= 8:
        assert plain not in bytes(sealed)


@some
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_choices_look_alike_in_size(one, other):
    sizes = {len(vault.seal(KEY, vault.Kind.BOND, HERE, p, padding=vault.Padding.CHOICE)) for p in (one, other)}
    assert sizes == {OVERHEAD_BYTES + 64}


def test_two_sealings_of_the_same_words_share_only_their_header():
    one, other = (vault.seal(KEY, vault.Kind.SELF, HERE, b"same") for _ in range(2))
    assert one[:HEADER_BYTES] == other[:HEADER_BYTES]
    assert one[HEADER_BYTES : HEADER_BYTES + 24] != other[HEADER_BYTES : HEADER_BYTES + 24]
    assert one[HEADER_BYTES + 24 :] != other[HEADER_BYTES + 24 :]


def test_every_flipped_bit_is_refused():
    sealed = vault.seal(KEY, vault.Kind.SELF, HERE, b"words", epoch=1, padding=vault.Padding.CHOICE)
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        refused(KEY, vault.Kind.SELF, HERE, bytes(flipped))
        if flipped[2] in iter(vault.Kind):
            refused(KEY, vault.Kind(flipped[2]), HERE, bytes(flipped))


@many
@given(CONTEXTS, CONTEXTS, KINDS, st.data())
def test_no_part_of_the_context_can_be_exchanged(here, there, kind, data):
    sealed = vault.seal(KEY, kind, here, b"words")
    names = [field.name for field in dataclasses.fields(vault.Context)]
    chosen = data.draw(st.sets(st.sampled_from(names), min_size=1))
    moved = dataclasses.replace(here, **{name: getattr(there, name) for name in chosen})
    assume(moved != here)
    assert refused(KEY, kind, moved, sealed) == "does-not-open"


@many
@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_bound_values_never_run_into_each_other(one, other):
    """Neighbouring values such as (ab, c) and (a, bc) are told apart."""
    assume(one != other)
    header = bytes(HEADER_BYTES)
    bound = [dataclasses.replace(HERE, extra=tuple(extra)).associated_data(header) for extra in (one, other)]
    assert bound[0] != bound[1]


@some
@given(KEYS, KINDS, KINDS)
def test_another_key_or_kind_is_refused(other, kind, another):
    assume(other != KEY)
    sealed = vault.seal(KEY, kind, HERE, b"words")
    assert refused(other, kind, HERE, sealed) == "does-not-open"
    forged = sealed[:7] + vault.key_check(other) + sealed[HEADER_BYTES:]
    assert refused(other, kind, HERE, forged) == "does-not-open"
    if another is not kind:
        assert refused(KEY, another, HERE, sealed) == "unknown-kind"
        assert refused(KEY, another, HERE, sealed[:2] + bytes((another,)) + sealed[3:]) == "does-not-open"


@some
@given(EPOCHS, EPOCHS)
def test_an_epoch_cannot_be_rewritten(epoch, other):
    assume(epoch != other)
    sealed = vault.seal(KEY, vault.Kind.BOND, HERE, b"words", epoch=epoch)
    rewritten = sealed[:3] + other.to_bytes(4, "big") + sealed[7:]
    assert vault.parse(rewritten).epoch == other
    assert refused(KEY, vault.Kind.BOND, HERE, rewritten) == "does-not-open"


@pytest.mark.parametrize(
    "changed",
    [
        {"revision": -1},
        {"revision": 2**64},
        {"previous": b"x"},
        {"previous": b"x" * 33},
        {"extra": (bytes(65536),)},
    ],
)
def test_impossible_contexts(changed):
    """Sealing at one is a slip in the program; opening at one is an altered row."""
    moved = dataclasses.replace(HERE, **changed)
    with pytest.raises(ValueError):
        vault.seal(KEY, vault.Kind.BOND, moved, b"words")
    assert refused(KEY, vault.Kind.BOND, moved, vault.seal(KEY, vault.Kind.BOND, HERE, b"words")) == "does-not-open"


@pytest.mark.parametrize("epoch", [-1, 2**32])
def test_impossible_epochs(epoch):
    with pytest.raises(ValueError):
        vault.seal(KEY, vault.Kind.BOND, HERE, b"words", epoch=epoch)


@some
@given(st.binary(min_size=1, max_size=80), st.binary(min_size=1, max_size=80))
def test_a_chain_names_its_predecessor(one, other):
    assume(one != other)
    assert vault.chain_hash(one) != vault.chain_hash(other)


@pytest.mark.parametrize("size", [0, 1, 15, 65, 200])
def test_secrets_of_a_wrong_size_give_no_keys(size):
    for derive in (vault.kit_key, vault.invitation_key, vault.invitation_hash):
        with pytest.raises(ValueError):
            derive(bytes(size))


@pytest.mark.parametrize(("answer", "salt"), [(0, 16), (31, 16), (33, 16), (64, 16), (32, 0), (32, 15), (32, 17)])
def test_an_answer_or_a_salt_of_a_wrong_size_gives_no_key(answer, salt):
    with pytest.raises(ValueError):
        vault.passkey_key(bytes(answer), bytes(salt))


# Padding.


@many
@given(st.binary(max_size=3000) | st.integers(0, 65536).map(bytes), st.sampled_from(list(vault.Padding)))
def test_padding_comes_off(plain, padding):
    if padding is vault.Padding.CHOICE and len(plain) > 60:
        with pytest.raises(vault.TooLarge):
            pad(plain, padding)
        return
    padded = pad(plain, padding)
    assert unpad(padded) == plain
    assert len(padded) >= len(plain) + 4
    if len(plain) + 4 > 512:
        assert len(padded) <= (len(plain) + 4) * 1.12
    else:
        assert len(padded) == padding.value


def test_only_so_many_sizes_exist():
    sizes = {len(pad(bytes(size), vault.Padding.PROSE)) for size in range(0, 65537, 7)}
    assert len(sizes) < 140


def test_padme():
    grown = [padme(size) for size in range(70_000)]
    assert grown == sorted(grown)
    assert all(size <= padme(size) <= max(size * 1.12, size) for size in range(70_000))
    assert all(padme(size) == size for size in set(grown))


@many
@given(st.binary(max_size=200), st.integers(-3, 70), st.binary(max_size=2), st.integers(0, 700))
def test_unpad_takes_only_what_pad_makes(start, off, end, room):
    """A claimed length near the true one, few or many zeros, and now and then something behind them."""
    claimed = max(0, len(start) + off).to_bytes(4, "big")
    padded = (claimed + start).ljust(room, b"\0") + end
    try:
        plain = unpad(padded)
    except vault.DoesNotOpen:
        return
    made = [pad(plain, padding) for padding in vault.Padding if padding is vault.Padding.PROSE or len(plain) <= 60]
    assert padded in made


def test_unpad_refuses_every_size_that_pad_does_not_make():
    right = {64, 512}
    for size in range(5, 1100):
        padded = b"\0\0\0\x01x".ljust(size, b"\0")
        if size in right:
            assert unpad(padded) == b"x"
        else:
            with pytest.raises(vault.DoesNotOpen):
                unpad(padded)


# Kits.


@some
@given(KIT)
def test_kits_are_read_however_they_are_typed(kit):
    text = vault.kit_text(kit)
    for typed in (text, text.lower(), text.replace("-", " "), text.replace("-", ""), f"  {text}\n"):
        assert vault.parse_kit(typed) == kit
    assert vault.parse_kit(text.replace("0", "O").replace("1", "l")) == kit
    assert vault.parse_kit(text.replace("1", "i")) == kit


@some
@given(KIT, st.data())
def test_any_single_slip_is_named_by_its_group(kit, data):
    text = vault.kit_text(kit)
    for position, character in enumerate(text):
        if character == "-":
            continue
        typed = data.draw(st.sampled_from(KIT_CHARACTERS).filter(lambda c, was=character: c != was))
        with pytest.raises(vault.BadKit) as caught:
            vault.parse_kit(text[:position] + typed + text[position + 1 :])
        assert caught.value.group == position // 6 + 1


def test_each_character_in_each_position_of_one_kit():
    kit = bytes(range(7, 27))
    text = vault.kit_text(kit)
    slips = 0
    for position, character in itertools.product(range(len(text)), KIT_CHARACTERS):
        if text[position] not in ("-", character):
            with pytest.raises(vault.BadKit) as caught:
                vault.parse_kit(text[:position] + character + text[position + 1 :])
            assert caught.value.group == position // 6 + 1
            slips += 1
    assert slips == 40 * 36


@some
@given(KIT)
def test_any_two_exchanged_groups_are_named(kit):
    groups = vault.kit_text(kit).split("-")
    for one, other in itertools.combinations(range(8), 2):
        swapped = list(groups)
        swapped[one], swapped[other] = groups[other], groups[one]
        with pytest.raises(vault.BadKit) as caught:
            vault.parse_kit("-".join(swapped))
        assert caught.value.group == one + 1


@some
@given(KIT, st.data())
def test_two_exchanged_neighbours_are_named(kit, data):
    text = vault.kit_text(kit)
    group, at = data.draw(st.integers(0, 7)), data.draw(st.integers(0, 2))
    position = group * 6 + at
    assume(text[position] != text[position + 1])
    typed = text[:position] + text[position + 1] + text[position] + text[position + 2 :]
    with pytest.raises(vault.BadKit) as caught:
        vault.parse_kit(typed)
    assert caught.value.group == group + 1


@many
@given(st.text(max_size=50))
def test_anything_typed_as_a_kit_is_read_or_named(text):
    try:
        kit = vault.parse_kit(text)
    except vault.BadKit as bad:
        assert bad.group is None or 1 <= bad.group <= vault.kit_group_count()
    else:
        assert vault.parse_kit(vault.kit_text(kit)) == kit


# Words.


@many
@given(st.binary(max_size=40), st.integers(2, 8000))
def test_words_lead_back(data, base):
    words = [f"w{number}" for number in range(base)]
    spoken = vault.to_words(data, words)
    assert len(spoken) == word_count(len(data), base)
    assert vault.from_words(spoken, words, len(data)) == data


def test_words_are_refused():
    words = [f"w{number}" for number in range(7776)]
    spoken = vault.to_words(b"\xff" * 20, words)
    for typed in (spoken[:-1], [*spoken, "w0"], [*spoken[:-1], "house"], ["w7775", *spoken[1:]]):
        with pytest.raises(ValueError):
            vault.from_words(typed, words, 20)


@some
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_compare_words_show_another_key(one, other, bit):
    words = [f"w{number}" for number in range(7776)]
    shown = vault.compare_words(one, other, words)
    assert len(shown) == 6 and shown == vault.compare_words(other, one, words)
    forged = bytearray(one)
    forged[bit // 8] ^= 1 << bit % 8
    if bytes(forged) != other:
        assert vault.compare_words(bytes(forged), other, words) != shown


@pytest.mark.parametrize("size", [0, 31, 33])
def test_compare_words_take_whole_keys(size):
    with pytest.raises(ValueError):
        vault.compare_words(bytes(size), bytes(32), ["a", "b"])


# Grants.

A, B, C = (vault.KeyPair.from_key(vault.Key(bytes((n,)) * 32)) for n in (1, 2, 3))
A_ID, B_ID, C_ID = (UUID(int=n) for n in (11, 12, 13))
ROSTER = {A_ID: A.public, B_ID: B.public, C_ID: C.public}
BOND_KEY = vault.Key(b"b" * 32)
PREVIOUS = vault.key_check(vault.Key(b"o" * 32))
SHARED: dict[str, Any] = {
    "grant_id": UUID(int=21),
    "bond_id": UUID(int=22),
    "epoch": 4,
    "sender_id": A_ID,
    "recipient_id": B_ID,
    "roster": vault.roster_hash(ROSTER),
}
GRANT = vault.make_grant(sender=A, recipient_public=B.public, bond_key=BOND_KEY, previous_check=PREVIOUS, **SHARED)
#: X25519 public keys whose shared secret is all zeros whatever the private key, with and without the unused top bit.
SMALL_ORDER = [
    bytes.fromhex(low)
    for point in (
        "00000000000000000000000000000000000000000000000000000000000000",
        "01000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    )
    for low in {
        "00": (point + "00", point + "80"),
        "b8": (point + "00", point + "80"),
        "11": (point + "57", point + "d7"),
        "ff": (point + "7f", point + "ff"),
    }[point[-2:]]
]


def opened(**changed: Any) -> tuple[vault.Key, bytes]:
    return vault.open_grant(**{"recipient": B, "sender_public": A.public, "raw": bytes(GRANT), **SHARED, **changed})


def test_a_grant_opens_for_its_recipient():
    assert opened() == (BOND_KEY, PREVIOUS)


@pytest.mark.parametrize(
    "changed",
    [
        {"sender_public": C.public},
        {"sender_public": B.public},
        {"sender_public": A.public[:31] + bytes((A.public[31] ^ 128,))},
        {"sender_public": A.public[:31]},
        {"sender_public": A.public + b"\0"},
        {"sender_public": b""},
        {"recipient": C},
        {"recipient": A, "sender_public": B.public},
        {"bond_id": UUID(int=23)},
        {"grant_id": UUID(int=23)},
        {"epoch": 3},
        {"epoch": 5},
        {"epoch": -1},
        {"epoch": 2**32 + 4},
        {"sender_id": C_ID},
        {"recipient_id": C_ID},
        {"sender_id": B_ID, "recipient_id": A_ID},
        {"roster": vault.roster_hash({A_ID: A.public, B_ID: B.public})},
        {"roster": vault.roster_hash({**ROSTER, C_ID: A.public})},
        {"roster": vault.roster_hash({**ROSTER, UUID(int=14): C.public})},
        {"roster": vault.roster_hash({A_ID: B.public, B_ID: A.public, C_ID: C.public})},
        {"roster": b""},
    ],
    ids=lambda changed: " ".join(changed),
)
def test_a_grant_is_refused(changed):
    with pytest.raises(vault.DoesNotOpen):
        opened(**changed)


def test_a_grant_cannot_claim_another_epoch():
    """Not even by rewriting its header together with the row."""
    rewritten = GRANT[:3] + (5).to_bytes(4, "big") + GRANT[7:]
    with pytest.raises(vault.DoesNotOpen):
        opened(raw=rewritten, epoch=5)


def test_a_grant_planted_by_a_stranger_is_refused():
    """Who can write to the database knows every public value, and still cannot make a grant from someone pinned."""
    stranger = vault.KeyPair.from_key(vault.Key(b"e" * 32))
    planted = vault.make_grant(
        sender=stranger, recipient_public=B.public, bond_key=vault.Key(b"m" * 32), previous_check=PREVIOUS, **SHARED
    )
    with pytest.raises(vault.DoesNotOpen):
        opened(raw=bytes(planted))


@pytest.mark.parametrize("bad", SMALL_ORDER, ids=bytes.hex)
def test_public_keys_of_small_order_are_refused(bad):
    with pytest.raises(vault.DoesNotOpen):
        vault.make_grant(sender=A, recipient_public=bad, bond_key=BOND_KEY, previous_check=PREVIOUS, **SHARED)
    with pytest.raises(vault.DoesNotOpen):
        opened(sender_public=bad)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_public_keys_of_a_wrong_size_are_refused(size):
    with pytest.raises(vault.DoesNotOpen):
        vault.make_grant(
            sender=A, recipient_public=b"\x09" * size, bond_key=BOND_KEY, previous_check=PREVIOUS, **SHARED
        )
    with pytest.raises(vault.DoesNotOpen):
        vault.roster_hash({A_ID: b"\x09" * size})


@pytest.mark.parametrize(
    "changed", [{"previous_check": b"x" * 15}, {"previous_check": b""}, {"epoch": -1}, {"epoch": 2**32}]
)
def test_slips_when_making_a_grant(changed):
    with pytest.raises(ValueError):
        vault.make_grant(
            **{
                "sender": A,
                "recipient_public": B.public,
                "bond_key": BOND_KEY,
                "previous_check": PREVIOUS,
                **SHARED,
                **changed,
            }
        )


@some
@given(st.dictionaries(st.uuids(), st.binary(min_size=32, max_size=32), max_size=5), st.randoms())
def test_a_roster_has_no_order(roster, chance):
    shuffled = list(roster.items())
    chance.shuffle(shuffled)
    assert vault.roster_hash(dict(shuffled)) == vault.roster_hash(roster)


# Passphrases and payloads.

PHRASES = {
    "accents": "crème brûlée à la carte",
    "hangul": "우리 둘만의 비밀",
    "ligature": "ﬁve small ﬂowers",
    "full width": "ｆｉｖｅ　ｗｏｒｄｓ",
    "emoji": "👩‍👩‍👧 🙂 🏳️‍🌈 five",
    "right to left": "\ufb2a\u05dc\u05d5\u05dd \u0639\u0644\u064a\u0643\u0645 \u0622\u0645\u064a\u0646",
    "kana": "がぎぐ ｶﾞｷﾞｸﾞ",
}


@pytest.mark.parametrize("phrase", PHRASES.values(), ids=PHRASES)
def test_forms_of_one_passphrase_are_one(phrase):
    forms = [unicodedata.normalize(form, phrase) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert len({vault.normalise(typed) for typed in (phrase, *forms)}) == 1
    assert len(set(forms)) > 1 or phrase == PHRASES["emoji"]


@many
@given(st.text(max_size=60))
def test_normalising_is_final(phrase):
    try:
        raw = vault.normalise(phrase)
    except ValueError:
        assume(False)
    assert vault.normalise(raw.decode()) == raw
    assert vault.normalise(unicodedata.normalize("NFD", phrase)) == raw


def test_other_passphrases_stay_others():
    assert len({vault.normalise(phrase) for phrase in ("a b", "a  b", "A b", "ab", "a b ", "á b", "a\0b")}) == 7


@pytest.mark.parametrize("phrase", ["x" * 1024, "é" * 512, "🙂" * 256, "e\u0301" * 512])
def test_1024_bytes_are_enough(phrase):
    assert len(vault.normalise(phrase)) == 1024
    with pytest.raises(vault.PassphraseTooLong):
        vault.normalise(phrase + "x")


def test_lone_surrogates_are_no_passphrase():
    with pytest.raises(ValueError):
        vault.normalise("\ud800")


@pytest.mark.parametrize("profile", [-1, 0, 4, 2**32 - 1])
def test_unknown_profiles_are_refused_before_any_work(profile):
    with pytest.raises(vault.UnknownProfile):
        vault.passphrase_key("x" * 5000, b"", profile)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_salts_are_16_bytes(size):
    with pytest.raises(ValueError):
        vault.passphrase_key("x", bytes(size), 1)


def test_profiles_are_above_the_owasp_minimum():
    assert all(p.memory_bytes >= 19 * 1024**2 and p.passes >= 2 and p.id == i for i, p in vault.PROFILES.items())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcä"), inner, max_size=3),
    max_leaves=8,
)


@some
@given(st.dictionaries(st.text("abcä"), JSON, max_size=4), st.integers(1, 255))
def test_payloads_come_back(data, version):
    assert vault.unpack(vault.pack(data, version)) == (version, data)


@pytest.mark.parametrize("version", [0, 256, -1])
def test_payload_versions(version):
    with pytest.raises(ValueError):
        vault.pack({}, version)
