"""Reading the vectors, and sources of random bytes that are not random."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from closeknit import vault

HERE = Path(__file__).parent
#: Every kind of stored envelope: its place, its real kind, and whose key it is under.
HELD_BY = {
    vault.Place.MEMBER_SECRET: (vault.Kind.WRAP, "passphrase"),
    vault.Place.PROFILE: (vault.Kind.SELF, "self"),
    vault.Place.SESSION_SECRET: (vault.Kind.SESSION, "cookie"),
    vault.Place.SESSION_DROP: (vault.Kind.SESSION, "cookie"),
    vault.Place.SESSION_DROP_OWN: (vault.Kind.SELF, "self"),
    vault.Place.SESSION_KEPT: (vault.Kind.SESSION, "cookie"),
    vault.Place.DROPPED: (vault.Kind.DROP, "drop"),
    vault.Place.BOND_CARD: (vault.Kind.BOND, "bond"),
    vault.Place.BOND_KEY: (vault.Kind.SELF, "self"),
    vault.Place.MEMBERSHIP_CARD: (vault.Kind.BOND, "bond"),
    vault.Place.MEMBERSHIP_WISHES: (vault.Kind.BOND, "bond"),
    vault.Place.MEMBERSHIP_OPEN_AFTER: (vault.Kind.BOND, "bond"),
    vault.Place.MEMBERSHIP_OPEN_FROM: (vault.Kind.SELF, "self"),
    vault.Place.MEMBERSHIP_PINS: (vault.Kind.SELF, "self"),
    vault.Place.MEMBERSHIP_OWN: (vault.Kind.SELF, "self"),
    vault.Place.STREAM_HEAD: (vault.Kind.SELF, "self"),
    vault.Place.GRANT: (vault.Kind.GRANT, "grant"),
    vault.Place.INVITATION_CARD: (vault.Kind.INVITATION, "invitation"),
    vault.Place.INVITATION_KEY: (vault.Kind.INVITATION, "invitation"),
    vault.Place.INVITATION_SECRET: (vault.Kind.SELF, "self"),
    vault.Place.INVITATION_ACCEPTANCE: (vault.Kind.INVITATION, "invitation"),
    vault.Place.EVENT: (vault.Kind.BOND, "bond"),
    vault.Place.ITEM: (vault.Kind.CONTENT, "content"),
    vault.Place.ITEM_WRAP_SELF: (vault.Kind.WRAP, "self"),
    vault.Place.ITEM_WRAP_BOND: (vault.Kind.WRAP, "bond"),
    vault.Place.DECK: (vault.Kind.BOND, "bond"),
    vault.Place.MOMENT_CARD: (vault.Kind.BOND, "bond"),
    vault.Place.DRAFT: (vault.Kind.SELF, "self"),
    vault.Place.OWN_PROMPT: (vault.Kind.BOND, "bond"),
    vault.Place.RECORD: (vault.Kind.SELF, "self"),
    vault.Place.REFUSAL: (vault.Kind.SELF, "self"),
    vault.Place.MEMBERSHIP_VOTES: (vault.Kind.BOND, "bond"),
    vault.Place.MEMBERSHIP_PAUSE: (vault.Kind.SELF, "self"),
    vault.Place.PRIVATE_WORD: (vault.Kind.SELF, "self"),
    vault.Place.DIALOGUE_CARD: (vault.Kind.BOND, "bond"),
    vault.Place.DIALOGUE_OWN: (vault.Kind.SELF, "self"),
    vault.Place.DIALOGUE_CHOICE: (vault.Kind.BOND, "bond"),
    vault.Place.ARRIVAL: (vault.Kind.SELF, "self"),
    vault.Place.FACTOR: (vault.Kind.SELF, "self"),
    vault.Place.COACH: (vault.Kind.SELF, "self"),
    vault.Place.LIBRARY: (vault.Kind.SELF, "self"),
    vault.Place.JOURNAL_DRAFT: (vault.Kind.SELF, "self"),
    vault.Place.SHEET: (vault.Kind.SELF, "self"),
    vault.Place.PICTURE: (vault.Kind.SELF, "self"),
    vault.Place.PICTURE_PART: (vault.Kind.SELF, "self"),
}


def load(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def key_of(text: str) -> vault.Key:
    return vault.Key(unhex(text))


def pair_of(private: str) -> vault.KeyPair:
    return vault.KeyPair.from_key(key_of(private))


def context_of(stored: dict[str, Any]) -> vault.Context:
    return vault.Context(
        vault.Place(stored["place"]),
        UUID(stored["row"]),
        UUID(stored["owner"]),
        stored["revision"],
        unhex(stored["previous"]),
        tuple(unhex(part) for part in stored["extra"]),
    )


def roster_of(stored: dict[str, str]) -> dict[UUID, bytes]:
    return {UUID(member): unhex(public) for member, public in stored.items()}


def bytes_of(stored: str | dict[str, int]) -> bytes:
    """Hex, or the recipe that scripts/make_vectors.py writes for long texts."""
    if isinstance(stored, str):
        return unhex(stored)
    return bytes((stored["seed"] + 31 * i + i // 251) % 256 for i in range(stored["size"]))


def only(*values: bytes) -> Callable[[int], bytes]:
    """A source of random bytes that gives exactly these, in order, and nothing after."""
    left = list(values)

    def give(count: int) -> bytes:
        value = left.pop(0)
        assert len(value) == count
        return value

    return give


def open_grant_of(stored: dict[str, Any]) -> tuple[vault.Key, bytes]:
    """Open a grant as a vector, a sample or a refusal describes it."""
    return vault.open_grant(
        recipient=pair_of(stored["recipient"]),
        sender_public=unhex(stored["sender_public"]),
        raw=unhex(stored.get("raw") or stored["envelope"]),
        grant_id=UUID(stored["grant_id"]),
        bond_id=UUID(stored["bond_id"]),
        epoch=stored["epoch"],
        sender_id=UUID(stored["sender_id"]),
        recipient_id=UUID(stored["recipient_id"]),
        roster=vault.roster_hash(roster_of(stored["roster"])),
    )
