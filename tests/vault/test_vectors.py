"""The vault makes and opens, to the byte, what an independent reading of docs/security.md makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from closeknit import vault
from closeknit.vault.derive import blake2b
from closeknit.vault.envelope import pad, unpad
from closeknit.vault.stream import SEALED_CHUNK_BYTES

from .helpers import (
    HELD_BY,
    bytes_of,
    context_of,
    key_of,
    load,
    only,
    open_grant_of,
    pair_of,
    roster_of,
    unhex,
)

VECTORS = load("vectors.json")
SAMPLES = load("samples.json")
STREAM_START = 47


def cases(name: str, label: str = "name") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[name], ids=lambda case: str(case.get(label, "")))


@cases("derive", "purpose")
def test_derived_keys(case: dict[str, Any]) -> None:
    made = vault.derive(unhex(case["secret"]), vault.Purpose(case["purpose"]), unhex(case["data"]))
    assert made.raw.hex() == case["key"]


def test_every_purpose_has_a_vector_and_fits_its_field() -> None:
    assert {case["purpose"] for case in VECTORS["derive"]} == {purpose.value for purpose in vault.Purpose}
    assert all(len(f"ck/{purpose.value}/1".encode()) <= 16 for purpose in vault.Purpose)
    assert len({purpose.value for purpose in vault.Purpose}) == len(vault.Purpose.__members__)


@cases("key_checks")
def test_key_checks(case: dict[str, Any]) -> None:
    assert vault.key_check(key_of(case["key"])).hex() == case["check"]


def test_keyring() -> None:
    case = VECTORS["keyring"]
    ring = vault.Keyring(key_of(case["secret"]))
    assert ring.self_key.raw.hex() == case["self_key"]
    assert (ring.box.private.raw.hex(), ring.box.public.hex()) == (case["box_private"], case["box_public"])
    assert ring.address(unhex(case["address"]["thing"])) == case["address"]["address"]


@cases("chain")
def test_chain(case: dict[str, Any]) -> None:
    assert vault.chain_hash(vault.parse(unhex(case["envelope"]))).hex() == case["hash"]


@cases("padding", "size")
def test_padded_sizes(case: dict[str, Any]) -> None:
    padded = pad(bytes(case["size"]), vault.Padding[case["padding"]])
    assert len(padded) == case["padded"]
    assert unpad(padded) == bytes(case["size"])


@cases("envelopes")
def test_envelopes(case: dict[str, Any]) -> None:
    key, kind, context = key_of(case["key"]), vault.Kind[case["kind"]], context_of(case["context"])
    plaintext = bytes_of(case["plaintext"])
    made = vault.seal(
        key,
        kind,
        context,
        plaintext,
        epoch=case["epoch"],
        padding=vault.Padding[case["padding"]],
        random=only(unhex(case["nonce"])),
    )
    assert len(made) == case["size"]
    if "envelope" in case:
        assert made.hex() == case["envelope"]
    else:
        assert blake2b(made).hex() == case["envelope_blake2b"]
    assert (made.kind, made.epoch, made.key_check) == (kind, case["epoch"], vault.key_check(key))
    assert vault.open_envelope(key, kind, context, bytes(made)) == plaintext


def test_every_kind_and_place_has_a_vector() -> None:
    assert {case["kind"] for case in VECTORS["envelopes"]} == {kind.name for kind in vault.Kind}
    assert {case["context"]["place"] for case in VECTORS["envelopes"]} == {place.value for place in vault.Place}


@cases("profiles", "profile")
def test_profiles(case: dict[str, Any]) -> None:
    made = vault.passphrase_key(case["passphrase"], unhex(case["salt"]), case["profile"])
    assert made.raw.hex() == case["key"]


def test_every_profile_has_a_vector() -> None:
    assert {case["profile"] for case in VECTORS["profiles"]} == set(vault.PROFILES)


@cases("kits", "text")
def test_kits(case: dict[str, Any]) -> None:
    kit = vault.new_kit(only(unhex(case["kit"])))
    assert vault.kit_text(kit) == case["text"]
    assert vault.parse_kit(case["text"]) == kit
    assert vault.kit_key(kit).raw.hex() == case["key"]


@cases("passkeys")
def test_passkeys(case: dict[str, Any]) -> None:
    assert vault.passkey_key(unhex(case["answer"]), unhex(case["salt"])).raw.hex() == case["key"]


def test_what_every_passkey_is_asked_never_changes() -> None:
    assert vault.PRF_INPUT == b"closeknit/prf/1"


@cases("grants")
def test_grants(case: dict[str, Any]) -> None:
    made = vault.make_grant(
        sender=pair_of(case["sender"]),
        recipient_public=unhex(case["recipient_public"]),
        grant_id=UUID(case["grant_id"]),
        bond_id=UUID(case["bond_id"]),
        epoch=case["epoch"],
        sender_id=UUID(case["sender_id"]),
        recipient_id=UUID(case["recipient_id"]),
        roster=vault.roster_hash(roster_of(case["roster"])),
        bond_key=key_of(case["bond_key"]),
        previous_check=unhex(case["previous_check"]),
        random=only(unhex(case["nonce"])),
    )
    assert made.hex() == case["envelope"]
    assert open_grant_of(case) == (key_of(case["bond_key"]), unhex(case["previous_check"]))


@cases("invitations")
def test_invitations(case: dict[str, Any]) -> None:
    secret = vault.new_invitation_secret(only(unhex(case["secret"])))
    assert vault.invitation_key(secret).raw.hex() == case["key"]
    assert vault.invitation_hash(secret).hex() == case["hash"]


@cases("rosters")
def test_rosters(case: dict[str, Any]) -> None:
    assert vault.roster_hash(roster_of(case["roster"])).hex() == case["hash"]


@cases("compare")
def test_compare_words(case: dict[str, Any]) -> None:
    words = [f"w{number}" for number in range(7776)]
    assert vault.compare_words(unhex(case["a"]), unhex(case["b"]), words) == [f"w{digit}" for digit in case["digits"]]


@cases("streams")
def test_streams(case: dict[str, Any]) -> None:
    key, context, content = key_of(case["key"]), context_of(case["context"]), bytes_of(case["content"])
    made = list(vault.seal_stream(key, context, [content], random=only(unhex(case["start"]))))
    assert (made[0].hex(), len(made) - 1) == (case["header"], case["chunks"])
    raw = b"".join(made)
    assert (len(raw), blake2b(raw).hex()) == (case["size"], case["stream_blake2b"])
    assert b"".join(vault.open_stream(key, context, [raw])) == content


# What is refused.


def refuse_open(case: dict[str, Any]) -> object:
    return vault.open_envelope(
        key_of(case["key"]), vault.Kind[case["kind"]], context_of(case["context"]), unhex(case["raw"])
    )


def refuse_make_grant(case: dict[str, Any]) -> object:
    ids = dict.fromkeys(("grant_id", "bond_id", "sender_id", "recipient_id"), UUID(int=1))
    key = vault.Key(bytes(range(32)))
    return vault.make_grant(
        sender=vault.KeyPair.from_key(key),
        recipient_public=unhex(case["recipient_public"]),
        epoch=1,
        roster=bytes(32),
        bond_key=key,
        previous_check=bytes(16),
        **ids,
    )


def refuse_seal(case: dict[str, Any]) -> object:
    context = vault.Context(vault.Place.ITEM, UUID(int=1), UUID(int=2))
    padding = vault.Padding[case["padding"]]
    return vault.seal(vault.Key(bytes(32)), vault.Kind.CONTENT, context, bytes_of(case["plaintext"]), padding=padding)


def refuse_open_stream(case: dict[str, Any]) -> object:
    base = next(vector for vector in VECTORS["streams"] if vector["name"] == case["base"])
    key, where = base["key"], base["context"]
    sealed = vault.seal_stream(
        key_of(key), context_of(where), [bytes_of(base["content"])], random=only(unhex(base["start"]))
    )
    raw = bytearray(b"".join(sealed))
    for verb, *values in case["edits"]:
        if verb == "keep":
            del raw[values[0] :]
        elif verb == "drop":
            del raw[-values[0] :]
        elif verb == "append":
            raw += unhex(values[0])
        elif verb == "set":
            raw[values[0]] = values[1]
        elif verb == "flip":
            raw[values[0]] ^= 1
        elif verb == "context":
            where = {**where, **values[0]}
        elif verb == "key":
            key = values[0]
        else:
            assert verb == "chunks"
            chunks = [
                raw[start : start + SEALED_CHUNK_BYTES] for start in range(STREAM_START, len(raw), SEALED_CHUNK_BYTES)
            ]
            raw = raw[:STREAM_START] + b"".join(chunks[number] for number in values[0])
    return list(vault.open_stream(key_of(key), context_of(where), [bytes(raw)]))


REFUSALS: dict[str, Callable[[dict[str, Any]], object]] = {
    "open": refuse_open,
    "open_grant": open_grant_of,
    "make_grant": refuse_make_grant,
    "parse_kit": lambda case: vault.parse_kit(case["text"]),
    "normalise": lambda case: vault.normalise(case["text"]),
    "passphrase_key": lambda case: vault.passphrase_key("a phrase", bytes(16), case["profile"]),
    "seal": refuse_seal,
    "unpack": lambda case: vault.unpack(unhex(case["raw"]) + unhex(case.get("then", "")) * case.get("times", 0)),
    "open_stream": refuse_open_stream,
}


@cases("refusals")
def test_refusals(case: dict[str, Any]) -> None:
    with pytest.raises(vault.VaultError) as refused:
        REFUSALS[case["op"]](case)
    assert refused.value.code == case["error"]
    assert getattr(refused.value, "group", None) == case.get("group")


def test_there_are_enough_refusals_and_each_has_its_name() -> None:
    names = [case["name"] for case in VECTORS["refusals"]]
    assert len(names) == len(set(names)) >= 60
    codes = {error.code for error in vault.VaultError.__subclasses__()}
    assert {case["error"] for case in VECTORS["refusals"]} == codes


def test_the_refused_envelope_opens_where_it_belongs() -> None:
    """Otherwise the refusals above could be refused for a wrong reason."""
    cut = next(case for case in VECTORS["refusals"] if case["name"] == "one byte more")
    whole = {**cut, "raw": cut["raw"][:-2]}
    assert refuse_open(whole) == b"not for everyone"
    moved = next(case for case in VECTORS["refusals"] if case["name"] == "grant: another bond")
    bond = next(case for case in VECTORS["refusals"] if case["name"] == "grant: another epoch")["bond_id"]
    assert len(open_grant_of({**moved, "bond_id": bond})[1]) == 16
    assert refuse_open_stream({"base": "three chunks", "edits": [["chunks", [0, 1, 2]]]})


# What members have stored.


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample['place']} {sample['version']}")
def test_samples_open_for_ever(sample: dict[str, Any]) -> None:
    if sample["place"] == "grant":
        assert open_grant_of(sample)[0] == key_of(sample["bond_key"])
        return
    context = context_of(sample["context"])
    assert context.place == sample["place"]
    plain = vault.open_envelope(key_of(sample["key"]), vault.Kind[sample["kind"]], context, unhex(sample["envelope"]))
    if "key_inside" in sample:
        assert plain.hex() == sample["key_inside"]
    else:
        assert vault.unpack(plain) == (sample["version"], sample["payload"])


def test_every_place_has_a_sample_of_its_kind() -> None:
    """A new place needs `python scripts/make_vectors.py` after it is added there and in helpers.py."""
    assert {sample["place"] for sample in SAMPLES} == {place.value for place in vault.Place}
    assert set(HELD_BY) == set(vault.Place)
    assert all(sample["kind"] == HELD_BY[vault.Place(sample["place"])][0].name for sample in SAMPLES)
    pairs = [(sample["place"], sample["version"]) for sample in SAMPLES]
    assert len(pairs) == len(set(pairs))
