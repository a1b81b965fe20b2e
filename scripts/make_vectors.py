"""Write tests/vault/vectors.json and add what is missing to tests/vault/samples.json.

A second, independent reading of docs/security.md (keys, envelope): it uses libsodium's functions directly and imports
nothing of Closeknit, so that a slip in the vault cannot hide behind the same slip here. The result is the same on
every run. Samples that exist are never rewritten: they stand for what members have stored.

    python scripts/make_vectors.py            write
    python scripts/make_vectors.py --check    fail if the committed vectors differ
"""

from __future__ import annotations

import itertools
import json
import sys
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import nacl.bindings as sodium
import nacl.pwhash.argon2id

HERE = Path(__file__).resolve().parent.parent / "tests" / "vault"
KINDS = {"SELF": 1, "BOND": 2, "CONTENT": 3, "WRAP": 4, "SESSION": 5, "INVITATION": 6, "GRANT": 7, "DROP": 8}
PURPOSES = [
    "keyid", "self", "box", "kek-kit", "kek-prf", "grant", "roster", "invite", "invite-hash", "compare", "address",
]  # fmt: skip
PROFILES = {1: (4, 64 << 20), 2: (3, 128 << 20), 3: (3, 256 << 20)}
CHUNK = 65536
#: place: kind, padding, whether it holds the bare bytes of a key instead of a payload
PLACES = {
    "member.secret": ("WRAP", "CHOICE", True),
    "member.profile": ("SELF", "PROSE", False),
    "session.secret": ("SESSION", "CHOICE", True),
    "session.drop": ("SESSION", "CHOICE", True),
    "session.drop.own": ("SELF", "CHOICE", True),
    "session.kept": ("SESSION", "PROSE", False),
    "member.dropped": ("DROP", "PROSE", False),
    "bond.card": ("BOND", "PROSE", False),
    "bond.key": ("SELF", "CHOICE", False),
    "membership.card": ("BOND", "PROSE", False),
    "membership.wishes": ("BOND", "PROSE", False),
    "membership.open_after": ("BOND", "PROSE", False),
    "membership.pins": ("SELF", "PROSE", False),
    "membership.own": ("SELF", "PROSE", False),
    "stream.head": ("SELF", "CHOICE", False),
    "grant": ("GRANT", "CHOICE", True),
    "invitation.card": ("INVITATION", "PROSE", False),
    "invitation.key": ("INVITATION", "PROSE", False),
    "invitation.secret": ("SELF", "PROSE", False),
    "invitation.acceptance": ("INVITATION", "PROSE", False),
    "event": ("BOND", "PROSE", False),
    "item": ("CONTENT", "PROSE", False),
    "item.wrap.self": ("WRAP", "CHOICE", False),
    "item.wrap.bond": ("WRAP", "CHOICE", False),
    "deck": ("BOND", "PROSE", False),
    "moment.card": ("BOND", "PROSE", False),
    "draft": ("SELF", "PROSE", False),
    "own_prompt": ("BOND", "PROSE", False),
    "member.record": ("SELF", "PROSE", False),
    "member.refusal": ("SELF", "PROSE", False),
    "membership.votes": ("BOND", "PROSE", False),
    "membership.pause": ("SELF", "PROSE", False),
    "private.word": ("SELF", "PROSE", False),
    "arrival": ("SELF", "PROSE", False),
    "member.factor": ("SELF", "PROSE", False),
    "membership.open_from": ("SELF", "PROSE", False),
    "dialogue.card": ("BOND", "PROSE", False),
    "dialogue.own": ("SELF", "PROSE", False),
    "dialogue.choice": ("BOND", "PROSE", False),
    "member.coach": ("SELF", "PROSE", False),
    "member.library": ("SELF", "PROSE", False),
    "member.draft": ("SELF", "PROSE", False),
    "member.sheet": ("SELF", "PROSE", False),
    "member.picture": ("SELF", "PROSE", False),
    "member.picture.part": ("SELF", "PROSE", False),
}
Json = dict[str, Any]


# Fixed stand-ins for random bytes: BLAKE2b of a label.


def rnd(label: str, size: int = 32) -> bytes:
    return sodium.crypto_generichash_blake2b_salt_personal(label.encode(), digest_size=max(size, 16))[:size]


def uid(label: str) -> uuid.UUID:
    return uuid.UUID(bytes=rnd(f"uuid {label}", 16), version=4)


# Keys.


def blake(data: bytes, key: bytes = b"", purpose: str = "", size: int = 32) -> bytes:
    person = f"ck/{purpose}/1".encode() if purpose else b""
    person += bytes(16 - len(person)) if person else b""
    return sodium.crypto_generichash_blake2b_salt_personal(data, digest_size=size, key=key, person=person)


def check_of(key: bytes) -> bytes:
    return blake(b"", key, "keyid", 16)


def from_passphrase(text: str, salt: bytes, profile: int) -> bytes:
    passes, memory = PROFILES[profile]
    raw = unicodedata.normalize("NFKC", text).encode("utf-8")
    return nacl.pwhash.argon2id.kdf(32, raw, salt, opslimit=passes, memlimit=memory)


# Envelopes.


def padme(size: int) -> int:
    """By the paper's pseudo code: E = floor(log2 L), S = floor(log2 E) + 1, z = E - S."""
    e = 0
    while 2 ** (e + 1) <= size:
        e += 1
    s = 0
    while 2 ** (s + 1) <= e:
        s += 1
    unit = 2 ** (e - (s + 1))
    return -(-size // unit) * unit


def padded(plain: bytes, padding: str) -> bytes:
    total = 4 + len(plain)
    target = 64 if padding == "CHOICE" else 512 if total <= 512 else padme(total)
    return len(plain).to_bytes(4, "big") + plain + bytes(target - total)


def context(
    place: str, row: str = "row", owner: str = "member A", revision: int = 0, previous: bytes = b"", extra: Any = ()
) -> Json:
    return {
        "place": place,
        "row": str(uid(row)),
        "owner": str(uid(owner)),
        "revision": revision,
        "previous": previous.hex(),
        "extra": [part.hex() for part in extra],
    }


def associated(where: Json, header: bytes) -> bytes:
    parts = [
        where["place"].encode("ascii"),
        uuid.UUID(where["row"]).bytes,
        uuid.UUID(where["owner"]).bytes,
        where["revision"].to_bytes(8, "big"),
        bytes.fromhex(where["previous"]),
        *(bytes.fromhex(part) for part in where["extra"]),
    ]
    return b"closeknit/env/1" + header + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def header_of(key: bytes, kind: int, epoch: int, version: int = 1, algorithm: int = 1) -> bytes:
    return bytes([version, algorithm, kind]) + epoch.to_bytes(4, "big") + check_of(key)


def sealed_raw(key: bytes, header: bytes, where: Json, padded_plain: bytes, nonce: bytes) -> bytes:
    body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded_plain, associated(where, header), nonce, key)
    return header + nonce + body


def sealed(key: bytes, kind: str, where: Json, plain: bytes, epoch: int, padding: str, nonce: bytes) -> bytes:
    return sealed_raw(key, header_of(key, KINDS[kind], epoch), where, padded(plain, padding), nonce)


def recipe(size: int, seed: int = 7) -> Json:
    """Bytes too many to write down: byte i is (seed + 31 * i + i // 251) mod 256."""
    return {"size": size, "seed": seed}


def cook(made: Json) -> bytes:
    return bytes((made["seed"] + 31 * i + i // 251) % 256 for i in range(made["size"]))


def envelope_vector(
    name: str, kind: str, where: Json, plain: bytes | Json, *, epoch: int = 0, padding: str = "PROSE"
) -> Json:
    key, nonce = rnd(f"key {name}"), rnd(f"nonce {name}", 24)
    raw = sealed(key, kind, where, cook(plain) if isinstance(plain, dict) else plain, epoch, padding, nonce)
    short = len(raw) <= 2048
    return {
        "name": name,
        "kind": kind,
        "key": key.hex(),
        "nonce": nonce.hex(),
        "epoch": epoch,
        "padding": padding,
        "context": where,
        "plaintext": plain.hex() if isinstance(plain, bytes) else plain,
        "size": len(raw),
        **({"envelope": raw.hex()} if short else {"envelope_blake2b": blake(raw).hex()}),
    }


# Kits.


def kit_text(kit: bytes) -> str:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    bits = "".join(f"{byte:08b}" for byte in kit)
    digits = [int(bits[i : i + 5], 2) for i in range(0, 160, 5)]
    groups = []
    for number in range(1, 9):
        four = digits[4 * number - 4 : 4 * number]
        value = ((four[0] * 32 + four[1]) * 32 + four[2]) * 32 + four[3]
        groups.append("".join(alphabet[d] for d in four) + (alphabet + "*~$=U")[(value + number) % 37])
    return "-".join(groups)


# Grants.


def public_of(private: bytes) -> bytes:
    return sodium.crypto_scalarmult_base(private)


def roster_of(roster: Json) -> bytes:
    pairs = sorted((uuid.UUID(member).bytes, bytes.fromhex(public)) for member, public in roster.items())
    return blake(b"".join(member + public for member, public in pairs), purpose="roster")


def grant(label: str, *, epoch: int = 2) -> Json:
    """A grant from A to B, with all that sealing and opening it take."""
    sender, recipient = rnd(f"box A {label}"), rnd(f"box B {label}")
    a, b = public_of(sender), public_of(recipient)
    ids = {"A": str(uid("member A")), "B": str(uid("member B")), "C": str(uid("member C"))}
    roster = {ids["A"]: a.hex(), ids["B"]: b.hex(), ids["C"]: public_of(rnd("box C")).hex()}
    key = blake(a + b, sodium.crypto_scalarmult(sender, b), "grant")
    bond_key, previous = rnd(f"bond key {label}"), check_of(rnd(f"bond key before {label}"))
    extra = (epoch.to_bytes(4, "big"), uuid.UUID(ids["A"]).bytes, uuid.UUID(ids["B"]).bytes, roster_of(roster))
    where = context("grant", f"grant {label}", "bond 1", extra=extra)
    nonce = rnd(f"nonce grant {label}", 24)
    return {
        "name": label,
        "sender": sender.hex(),
        "recipient": recipient.hex(),
        "sender_public": a.hex(),
        "recipient_public": b.hex(),
        "grant_id": where["row"],
        "bond_id": where["owner"],
        "epoch": epoch,
        "sender_id": ids["A"],
        "recipient_id": ids["B"],
        "roster": roster,
        "bond_key": bond_key.hex(),
        "previous_check": previous.hex(),
        "nonce": nonce.hex(),
        "key": key.hex(),
        "envelope": sealed(key, "GRANT", where, bond_key + previous, epoch, "CHOICE", nonce).hex(),
    }


# Streams.


def stream_chunks(key: bytes, start: bytes, where: Json, plains: list[bytes]) -> list[bytes]:
    """Header, then each of `plains` in a chunk. The state is made by `init_pull`, since `init_push` draws a header."""
    header = header_of(key, KINDS["CONTENT"], 0, algorithm=2)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, start, key)
    out = [header + start]
    for number, plain in enumerate(plains, 1):
        tag = 3 if number == len(plains) else 0
        out.append(sodium.crypto_secretstream_xchacha20poly1305_push(state, plain, associated(where, header), tag))
    return out


def chunk(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content + bytes(CHUNK - 4 - len(content))


def stream_plains(content: bytes) -> list[bytes]:
    plains = [chunk(content[i : i + CHUNK - 4]) for i in range(0, len(content), CHUNK - 4)] or [chunk(b"")]
    wanted = padme(len(plains)) if len(plains) > 1 else 1
    return plains + [chunk(b"")] * (wanted - len(plains))


def stream_vector(name: str, size: int) -> Json:
    key, start, where = rnd(f"key {name}"), rnd(f"start {name}", 24), context("item", f"row {name}")
    chunks = stream_chunks(key, start, where, stream_plains(cook(recipe(size))))
    raw = b"".join(chunks)
    return {
        "name": name,
        "key": key.hex(),
        "start": start.hex(),
        "context": where,
        "content": recipe(size),
        "chunks": len(chunks) - 1,
        "header": chunks[0].hex(),
        "size": len(raw),
        "stream_blake2b": blake(raw).hex(),
    }


# Words.


def compare_digits(a: bytes, b: bytes) -> list[int]:
    number = int.from_bytes(blake(min(a, b) + max(a, b), purpose="compare"), "big")
    return [number // 7776**power % 7776 for power in (5, 4, 3, 2, 1, 0)]


# Refusals.


def refusals() -> list[Json]:
    out: list[Json] = []
    key, nonce = rnd("refusal key"), rnd("refusal nonce", 24)
    prev = blake(b"an event")
    where = context("item", "refusal row", "member A", 5, prev)
    plain = b"not for everyone"
    good = sealed(key, "CONTENT", where, plain, 3, "CHOICE", nonce)

    def add(name: str, op: str, error: str, **more: Any) -> None:
        out.append({"name": name, "op": op, "error": error, **more})

    def refuse(name: str, raw: bytes, error: str = "does-not-open", **changed: Any) -> None:
        what: Json = {"key": key.hex(), "kind": "CONTENT", "context": where, "raw": raw.hex(), **changed}
        add(name, "open", error, **what)

    def edited(offset: int, value: int) -> bytes:
        return good[:offset] + bytes([value]) + good[offset + 1 :]

    # the outside
    for size in (0, 1, 23, 46, 47, 62):
        refuse(f"cut to {size} bytes", good[:size], "too-short")
    refuse("cut to an empty ciphertext with a tag", good[:63])
    refuse("cut by one byte", good[:-1])
    refuse("one byte more", good + b"\0")
    refuse("a tag's length missing", good[:-16])
    for value in (0, 2, 255):
        refuse(f"version {value}", edited(0, value), "unknown-version")
    for value in (0, 2, 255):
        refuse(f"algorithm {value}", edited(1, value), "unknown-algorithm")
    for value in (0, 9, 255):
        refuse(f"kind {value}", edited(2, value), "unknown-kind")
    refuse("version and algorithm and kind unknown: version is named", bytes([9, 9, 99]) + good[3:], "unknown-version")
    refuse("algorithm and kind unknown: algorithm is named", bytes([1, 9, 99]) + good[3:], "unknown-algorithm")
    for kind in ("SELF", "BOND", "WRAP", "SESSION", "INVITATION", "GRANT", "DROP"):
        refuse(f"asked for as {kind}", good, "unknown-kind", kind=kind)
    refuse("kind byte changed and asked for as that", edited(2, 2), kind="BOND")
    # the inside
    refuse("epoch changed", edited(6, good[6] ^ 1))
    refuse("epoch's first byte changed", edited(3, 128))
    refuse("key check changed", edited(7, good[7] ^ 1))
    refuse("nonce changed", edited(23, good[23] ^ 128))
    refuse("ciphertext changed", edited(47, good[47] ^ 1))
    refuse("tag changed", edited(len(good) - 1, good[-1] ^ 1))
    other = rnd("another key")
    refuse("another key", good, key=other.hex())
    committed = header_of(other, KINDS["CONTENT"], 3)  # what could open under two keys names one of them at most
    two_keys = sealed_raw(key, committed, where, padded(plain, "CHOICE"), nonce)
    refuse("sealed with the key, but naming another", two_keys)
    refuse("sealed with another key than it names", two_keys, key=other.hex())
    refuse("another key, its key check put in", good[:7] + check_of(other) + good[23:], key=other.hex())
    for name, changed in {
        "place": {"place": "draft"},
        "place with the same beginning": {"place": "item.wrap.self"},
        "row": {"row": str(uid("another row"))},
        "owner": {"owner": str(uid("member B"))},
        "row and owner exchanged": {"row": where["owner"], "owner": where["row"]},
        "revision": {"revision": 6},
        "older revision": {"revision": 4},
        "revision out of range": {"revision": -1},
        "revision out of range above": {"revision": 2**64},
        "previous": {"previous": blake(b"another event").hex()},
        "previous left out": {"previous": ""},
        "previous of another length": {"previous": prev.hex() + "00"},
        "previous moved into extra": {"previous": "", "extra": [prev.hex()]},
        "extra added": {"extra": [""]},
    }.items():
        refuse(f"another {name}" if " " not in name else name, good, context={**where, **changed})
    # sealed with the right key, but not what the vault seals
    header = header_of(key, KINDS["CONTENT"], 3)
    for name, body in {
        "empty padded text": b"",
        "three bytes": b"\0\0\0",
        "no padding at all": b"\0\0\0\x02hi",
        "length beyond the end": b"\0\0\0\x3d" + bytes(60),
        "length of 4 GiB": b"\xff\xff\xff\xff" + bytes(60),
        "a byte after the end": b"\0\0\0\x01ab" + bytes(58),
        "last byte not zero": b"\0\0\0\x01a" + bytes(58) + b"\x01",
        "65 bytes": b"\0\0\0\x01a" + bytes(60),
        "a bucket too large": bytes(1024),
        "a choice's bucket with a larger text": b"\0\0\0\x3d" + bytes(61) + b"\0",
        "not a Padmé size": (509).to_bytes(4, "big") + bytes(509),
    }.items():
        refuse(f"padding: {name}", sealed_raw(key, header, where, body, nonce))
    without = b"closeknit/env/2" + associated(where, header)[15:]
    body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded(plain, "CHOICE"), without, nonce, key)
    refuse("associated data of another domain", header + nonce + body)
    body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded(plain, "CHOICE"), None, nonce, key)
    refuse("no associated data", header + nonce + body)
    # grants
    right = grant("refusal", epoch=4)
    basic = {name: right[name] for name in ("recipient", "sender_public", "grant_id", "bond_id", "epoch", "sender_id")}
    basic |= {"recipient_id": right["recipient_id"], "roster": right["roster"], "raw": right["envelope"]}
    small = {
        "0": bytes(32),
        "1": b"\1" + bytes(31),
        "of order 8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        "of order 8, the other": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        "p - 1": bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        "p": bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        "p + 1": bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    }
    for name, changed in {
        "another sender's key": {"sender_public": public_of(rnd("mallory")).hex()},
        "another recipient": {"recipient": rnd("mallory").hex()},
        "another grant's id": {"grant_id": str(uid("another grant"))},
        "another bond": {"bond_id": str(uid("bond 2"))},
        "another epoch": {"epoch": 5},
        "an epoch out of range": {"epoch": 2**32 + 4},
        "another sender's id": {"sender_id": str(uid("member C"))},
        "another recipient's id": {"recipient_id": str(uid("member C"))},
        "a roster with one more": {"roster": {**right["roster"], str(uid("mallory")): public_of(rnd("mallory")).hex()}},
        "a roster with one less": {"roster": dict(list(right["roster"].items())[:2])},
        "a roster with another key": {"roster": {**right["roster"], right["sender_id"]: public_of(rnd("m")).hex()}},
        "a sender's key of 31 bytes": {"sender_public": right["sender_public"][:62]},
        "a sender's key of 33 bytes": {"sender_public": right["sender_public"] + "00"},
        "no sender's key": {"sender_public": ""},
        **{f"a sender's key of small order: {n}": {"sender_public": raw.hex()} for n, raw in small.items()},
    }.items():
        add(f"grant: {name}", "open_grant", "does-not-open", **{**basic, **changed})
    bare = bytes.fromhex(right["envelope"])
    add("grant: of another kind", "open_grant", "unknown-kind", **{**basic, "raw": (bare[:2] + b"\2" + bare[3:]).hex()})
    add("grant: too short", "open_grant", "too-short", **{**basic, "raw": bare[:62].hex()})
    # a stranger who knows all public values plants a key, as one could with a sealed box
    mallory = rnd("mallory")
    box = blake(
        public_of(mallory) + bytes.fromhex(right["recipient_public"]),
        sodium.crypto_scalarmult(mallory, bytes.fromhex(right["recipient_public"])),
        "grant",
    )
    extra = (
        (4).to_bytes(4, "big"),
        uuid.UUID(right["sender_id"]).bytes,
        uuid.UUID(right["recipient_id"]).bytes,
        roster_of(right["roster"]),
    )
    place = context("grant", "grant refusal", "bond 1", extra=extra)
    planted = sealed(box, "GRANT", place, rnd("planted") + bytes(16), 4, "CHOICE", nonce)
    add("grant: planted by a stranger", "open_grant", "does-not-open", **{**basic, "raw": planted.hex()})
    real = bytes.fromhex(right["key"])
    for size in (0, 32, 47, 49):
        raw = sealed(real, "GRANT", place, bytes(size), 4, "CHOICE", nonce)
        add(f"grant: content of {size} bytes", "open_grant", "does-not-open", **{**basic, "raw": raw.hex()})
    for name, raw in small.items():
        add(f"grant: made for a key of small order: {name}", "make_grant", "does-not-open", recipient_public=raw.hex())
    # kits
    text = kit_text(rnd("refusal kit", 20))
    groups = text.split("-")

    def typed(name: str, what: str, group: int | None) -> None:
        add(f"kit: {name}", "parse_kit", "bad-kit", text=what, group=group)

    typed("empty", "", None)
    typed("one character missing", text[:-1], None)
    typed("one character more", text + "0", None)
    typed("a group twice", "-".join([groups[0], *groups]), None)
    typed("first two groups exchanged", "-".join([groups[1], groups[0], *groups[2:]]), 1)
    typed("last two groups exchanged", "-".join([*groups[:6], groups[7], groups[6]]), 7)
    wrong = "A" if groups[2][1] != "A" else "B"
    typed("a wrong character in group 3", text.replace(groups[2], groups[2][0] + wrong + groups[2][2:]), 3)
    typed("U in group 5", text.replace(groups[4], "U" + groups[4][1:]), 5)
    wrong = "A" if groups[7][4] != "A" else "B"
    typed("a wrong check character in group 8", text[:-1] + wrong, 8)
    typed("characters of two groups", "-".join([groups[0], "!!!!!", *groups[2:5], "?????", *groups[6:]]), 2)
    # passphrases, sealing, payloads
    add("passphrase: 1,025 bytes", "normalise", "passphrase-too-long", text="x" * 1025)
    add("passphrase: 342 characters of 3 bytes", "normalise", "passphrase-too-long", text="な" * 342)
    add("passphrase: longer after normalising", "normalise", "passphrase-too-long", text="\ufdfa" * 32)
    for profile in (0, 4, 255, 2**32 - 1):
        add(f"profile {profile}", "passphrase_key", "unknown-profile", profile=profile)
    add("sealing 64 KiB and one byte", "seal", "too-large", plaintext=recipe(65537), padding="PROSE")
    add("sealing 61 bytes as a choice", "seal", "too-large", plaintext=recipe(61), padding="CHOICE")
    for name, raw in {
        "empty": b"",
        "no content": b"\1",
        "version 0": b"\0{}",
        "a list": b"\1[]",
        "a number": b"\x017",
        "not UTF-8": b'\1{"a":"\xff"}',
        "cut": b'\1{"a":',
        "two in a row": b"\1{}{}",
    }.items():
        add(f"payload: {name}", "unpack", "does-not-open", raw=raw.hex())
    for name, again in {"lists": b"[", "objects": b'{"a":'}.items():
        add(f"payload: deep {name}", "unpack", "does-not-open", raw="01", then=again.hex(), times=60_000 // len(again))
    # streams: made from a vector by edits, since they are long
    for name, edits, error in [
        ("cut to 46 bytes", [["keep", 46]], "too-short"),
        ("empty", [["keep", 0]], "too-short"),
        ("header alone", [["keep", 47]], "does-not-open"),
        ("cut after its first chunk", [["chunks", [0]]], "does-not-open"),
        ("last chunk missing", [["chunks", [0, 1]]], "does-not-open"),
        ("middle chunk missing", [["chunks", [0, 2]]], "does-not-open"),
        ("chunks exchanged", [["chunks", [1, 0, 2]]], "does-not-open"),
        ("a chunk twice", [["chunks", [0, 0, 1, 2]]], "does-not-open"),
        ("last chunk twice", [["chunks", [0, 1, 2, 2]]], "does-not-open"),
        ("a byte after its end", [["append", "00"]], "does-not-open"),
        ("a byte short", [["drop", 1]], "does-not-open"),
        ("version 2", [["set", 0, 2]], "unknown-version"),
        ("algorithm of envelopes", [["set", 1, 1]], "unknown-algorithm"),
        ("another kind", [["set", 2, 2]], "unknown-kind"),
        ("an epoch", [["set", 6, 1]], "does-not-open"),
        ("key check changed", [["flip", 7]], "does-not-open"),
        ("start changed", [["flip", 23]], "does-not-open"),
        ("first chunk changed", [["flip", 47]], "does-not-open"),
        ("last byte changed", [["flip", -1]], "does-not-open"),
        ("another row", [["context", {"row": str(uid("another row"))}]], "does-not-open"),
        ("another place", [["context", {"place": "draft"}]], "does-not-open"),
        ("another owner", [["context", {"owner": str(uid("member B"))}]], "does-not-open"),
        ("another revision", [["context", {"revision": 1}]], "does-not-open"),
        ("another key", [["key", other.hex()]], "does-not-open"),
    ]:
        add(f"stream: {name}", "open_stream", error, base="three chunks", edits=edits)
    return out


def make_vectors() -> Json:
    envelopes = [
        envelope_vector(f"kind {kind}", kind, context(place), b"one of each kind", epoch=number)
        for number, (kind, place) in enumerate(
            {
                "SELF": "member.profile",
                "BOND": "bond.card",
                "CONTENT": "item",
                "WRAP": "item.wrap.self",
                "SESSION": "session.secret",
                "INVITATION": "invitation.card",
                "GRANT": "grant",
                "DROP": "member.dropped",
            }.items()
        )
    ]
    envelopes += [envelope_vector(f"place {place}", PLACES[place][0], context(place), b"here") for place in PLACES]
    envelopes += [
        envelope_vector(f"choice of {size} bytes", "BOND", context("event"), cook(recipe(size)), padding="CHOICE")
        for size in (0, 1, 59, 60)
    ]
    envelopes += [
        envelope_vector(f"prose of {size} bytes", "CONTENT", context("item"), cook(recipe(size)))
        for size in (0, 1, 59, 60, 61, 507, 508, 509, 540, 541, 1020, 1021)
    ]
    envelopes += [
        envelope_vector(f"prose of {size} bytes", "CONTENT", context("item"), recipe(size))
        for size in (4092, 4093, 40_000, 65_532, 65_533, 65_535, 65_536)
    ]
    event = bytes.fromhex(envelopes[1]["envelope"])
    full = context("event", "row 9", "bond 1", 2**64 - 1, blake(event), (b"", b"two", bytes(300)))
    envelopes += [
        envelope_vector("everything bound", "BOND", full, b"chained", epoch=2**32 - 1),
        envelope_vector("zero bytes at both ends", "SELF", context("draft"), b"\0\0text\0\0", padding="CHOICE"),
        envelope_vector(
            "passphrase wrap", "WRAP", context("member.secret"), rnd("member secret"), epoch=2, padding="CHOICE"
        ),
    ]
    secret, invitation = rnd("member secret"), rnd("invitation", 20)
    box = blake(b"", secret, "box")
    publics = [public_of(rnd(f"box {name}")) for name in "ABC"]
    rosters = [
        {},
        {str(uid("member A")): publics[0].hex()},
        {str(uid(f"member {name}")): public.hex() for name, public in zip("CBA", reversed(publics), strict=True)},
    ]
    return {
        "about": "Made by scripts/make_vectors.py with libsodium alone. Bytes are in hex.",
        "derive": [
            {"purpose": purpose, "secret": value.hex(), "data": data.hex(), "key": blake(data, value, purpose).hex()}
            for purpose in PURPOSES
            for value, data in ((secret, b""), (rnd("64 bytes", 64), b"public"), (rnd("16 bytes", 16), bytes(200)))
        ],
        "key_checks": [{"key": key.hex(), "check": check_of(key).hex()} for key in (bytes(32), b"\xff" * 32, rnd("k"))],
        "keyring": {
            "secret": secret.hex(),
            "self_key": blake(b"", secret, "self").hex(),
            "box_private": box.hex(),
            "box_public": public_of(box).hex(),
            "address": {"thing": b"a script".hex(), "address": blake(b"a script", secret, "address")[:8].hex()},
        },
        "chain": [{"envelope": event.hex(), "hash": blake(event).hex()}],
        "padding": [
            {"size": size, "padding": padding, "padded": len(padded(bytes(size), padding))}
            for padding, sizes in {
                "CHOICE": (0, 1, 59, 60),
                "PROSE": (0, 1, 59, 60, 61, 507, 508, 509, 540, 541, 1020, 1021, 4092, 40_000, 65_535, 65_536),
            }.items()
            for size in sizes
        ],
        "envelopes": envelopes,
        "profiles": [
            {
                "profile": profile,
                "passphrase": text,
                "salt": rnd(f"salt {profile}", 16).hex(),
                "key": from_passphrase(text, rnd(f"salt {profile}", 16), profile).hex(),
            }
            for profile, text in {1: "five words are easy to keep", 2: "crème brûlée ﬁve", 3: "סוד 🔑 שלנו"}.items()
        ],
        "passkeys": [
            {"answer": answer.hex(), "salt": salt.hex(), "key": blake(salt, answer, "kek-prf").hex()}
            for answer, salt in (
                (bytes(32), bytes(16)),
                *((rnd(f"answer {n}"), rnd(f"passkey salt {n}", 16)) for n in range(4)),
            )
        ],
        "kits": [
            {"kit": kit.hex(), "text": kit_text(kit), "key": blake(b"", kit, "kek-kit").hex()}
            for kit in (bytes(20), b"\xff" * 20, *(rnd(f"kit {n}", 20) for n in range(6)))
        ],
        "grants": [grant("from A to B"), grant("first", epoch=1), grant("last", epoch=2**32 - 1)],
        "invitations": [
            {
                "secret": invitation.hex(),
                "key": blake(b"", invitation, "invite").hex(),
                "hash": blake(b"", invitation, "invite-hash").hex(),
            }
        ],
        "rosters": [{"roster": roster, "hash": roster_of(roster).hex()} for roster in rosters],
        "compare": [
            {"a": a.hex(), "b": b.hex(), "digits": compare_digits(a, b)} for a, b in itertools.permutations(publics, 2)
        ],
        "streams": [
            stream_vector("no content", 0),
            stream_vector("one chunk, full", CHUNK - 4),
            stream_vector("two chunks, just", CHUNK - 3),
            stream_vector("three chunks", 2 * CHUNK + 100),
            stream_vector("nine chunks and an empty one", 9 * (CHUNK - 4) - 1),
        ],
        "refusals": refusals(),
    }


SAMPLE_TEXT = "What I would like to say: thank you. Čaj, 愛, 🙂"


def make_sample(place: str) -> Json:
    kind, padding, bare = PLACES[place]
    name = f"sample 1 {place}"
    key, nonce = rnd(f"key {name}"), rnd(f"nonce {name}", 24)
    payload = {"k": "c2FtcGxl"} if padding == "CHOICE" else {"text": SAMPLE_TEXT, "n": 3, "list": [True, None]}
    inner = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    plain = rnd(name) if bare else b"\1" + inner
    previous = blake(b"an event before") if place == "event" else b""
    extra = {"member.secret": (b"passphrase", rnd("salt", 16)), "item.wrap.self": (uid("item").bytes, bytes(8))}
    extra["item.wrap.bond"] = extra["item.wrap.self"]
    where = context(place, name, "bond 1" if kind == "BOND" else "member A", 1, previous, extra.get(place, ()))
    sample = {"place": place, "version": 1, "kind": kind, "key": key.hex(), "context": where}
    if place == "grant":
        made = grant(name)
        wanted = ("grant_id", "bond_id", "epoch", "sender_id", "recipient_id", "roster", "recipient", "sender_public")
        sample = {"place": place, "version": 1, "kind": kind, **{part: made[part] for part in wanted}}
        return {**sample, "bond_key": made["bond_key"], "envelope": made["envelope"]}
    raw = sealed(key, kind, where, plain, 1, padding, nonce)
    return {**sample, "envelope": raw.hex(), **({"key_inside": plain.hex()} if bare else {"payload": payload})}


def write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=True, indent=1) + "\n", encoding="ascii")


def main(arguments: list[str]) -> int:
    vectors = make_vectors()
    if "--check" in arguments:
        same = json.loads((HERE / "vectors.json").read_text()) == vectors
        print("vectors are as committed" if same else "vectors differ from tests/vault/vectors.json")
        return 0 if same else 1
    write(HERE / "vectors.json", vectors)
    path = HERE / "samples.json"
    samples = json.loads(path.read_text()) if path.exists() else []
    known = {sample["place"] for sample in samples}
    write(path, samples + [make_sample(place) for place in PLACES if place not in known])
    print(f"{len(vectors['envelopes'])} envelopes, {len(vectors['refusals'])} refusals")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
