"""The scripts on the shelf, the cards that are dealt for some of them, and the words in which a script is sealed."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from closeknit.method import content
from closeknit.method.scripts import Effort, Script, load_scripts
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.content import content_root
from closeknit.web.moments.deck import the_deck

#: Cards laid ready for each level: enough for the longest set and some to swap.
CARDS_A_LEVEL = 24
_EFFORTS = (Effort.LIGHT, Effort.SOME, Effort.MUCH)


@cache
def the_scripts() -> dict[str, Script]:
    """The scripts of the packs, read once a process."""
    return load_scripts(content_root())


def scripts_for(opened: OpenBond) -> list[Script]:
    """What suits this bond's kind and size, calm ones first."""
    people = len(opened.people)
    found = [
        script
        for script in the_scripts().values()
        if content.BondKind(opened.bond.kind) in script.kinds and script.members[0] <= max(people, 2)
    ]
    return sorted(found, key=lambda one: (not one.calm, one.later_because is not None, _EFFORTS.index(one.effort)))


def mark(opened: OpenBond, script: Script) -> str:
    """A script in this member's addresses: neither a log nor a browser's history tells which one it is."""
    return opened.keyring.address(opened.id.bytes + script.id.encode())


def to_payload(script: Script) -> dict[str, Any]:
    """The script as it is sealed into a dialogue: worded as now, whatever the pack says later."""
    return script.model_dump(mode="json", exclude_defaults=True)


def from_payload(payload: dict[str, Any]) -> Script:
    """The reverse of `to_payload`."""
    return Script.model_validate(payload)


def deal(opened: OpenBond, stream: bytes, *, ceiling: int) -> dict[str, list[str]]:
    """Cards for each level up to `ceiling`: texts in an order of this dialogue's own."""
    kind = content.BondKind(opened.bond.kind)

    def order(prompt: content.Prompt) -> bytes:
        return hashlib.blake2b(prompt.id.encode(), key=stream, digest_size=8).digest()

    dealt = {}
    for level in range(1, ceiling + 1):
        # Those for any time: what holds for this bond is asked of nobody here.
        cards = [one for one in the_deck().prompts if one.level == level and kind in one.kinds and not one.when]
        dealt[str(level)] = [prompt.text for prompt in sorted(cards, key=order)][:CARDS_A_LEVEL]
    return dealt
