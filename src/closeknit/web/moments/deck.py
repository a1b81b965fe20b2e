"""A bond's deck: which prompt comes next, from sealed state and everyone's private wishes.

The choice itself is a pure function in `closeknit.method.choice`; this module brings it its arguments. Others' wishes
are opened only inside a request that chooses, and nothing of them is shown.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from closeknit import vault
from closeknit.method import choice, content
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.bonds.store import hold
from closeknit.web.content import content_root

from . import services
from .models import Moment, OwnPrompt

MOST_SKIPPED = 60
THEME_LABELS = {
    content.Theme.EVERYDAY: _("everyday things"),
    content.Theme.US: _("the two or more of us"),
    content.Theme.SELF: _("who I am"),
    content.Theme.FEELINGS: _("feelings"),
    content.Theme.PAST: _("earlier days"),
    content.Theme.WORK: _("work and doing"),
    content.Theme.BODY: _("body and health"),
    content.Theme.PEOPLE: _("other people"),
    content.Theme.FUTURE: _("what may come"),
    content.Theme.LOSS: _("loss and goodbyes"),
}


#: What may hold for a bond just now; the last two in a family alone.
NOW_LABELS = {
    content.When.APART: _("We live far from each other"),
    content.When.NEW: _("We have not known each other for long"),
    content.When.LONG: _("We have known each other for many years"),
    content.When.HARD: _("It is a hard time"),
    content.When.JOY: _("There is something to be glad about"),
    content.When.PARENTS: _("We are parent and child"),
    content.When.SIBLINGS: _("We are siblings"),
}
IN_A_FAMILY = frozenset({content.When.PARENTS, content.When.SIBLINGS})


@cache
def the_deck() -> content.Deck:
    """The prompts of the packs, read once a process."""
    return content.load_deck(content_root())


def themes() -> list[tuple[str, Any]]:
    """The kinds of prompt one may leave out, with their labels."""
    present = {prompt.theme for prompt in the_deck().prompts}
    return [(theme.value, THEME_LABELS[theme]) for theme in content.Theme if theme in present]


def times(kind: str) -> list[tuple[str, Any]]:
    """What a member of a bond of that kind may say holds just now, with its label."""
    family = kind == content.BondKind.FAMILY
    return [(when.value, label) for when, label in NOW_LABELS.items() if family or when not in IN_A_FAMILY]


def theme_label(prompt: content.Prompt) -> str:
    """What "not this kind" means for this prompt."""
    return str(THEME_LABELS[prompt.theme])


def level_words() -> list[tuple[int, Any]]:
    """Each depth in words."""
    return [
        (1, _("Everyday things")),
        (2, _("How I see us and myself")),
        (3, _("What I usually keep to myself")),
        (4, _("What is hard to say")),
        (5, _("What I have hardly told anyone")),
    ]


def card_of(prompt: content.Prompt) -> dict[str, Any]:
    """The prompt as it is sealed into a moment: worded as now, whatever the pack says later."""
    return {
        "id": prompt.id,
        "text": prompt.text,
        "why": prompt.why,
        "start": list(prompt.start),
        "stay": prompt.stay,
        "level": prompt.level,
        "component": prompt.component.value,
    }


def own_card(row: OwnPrompt) -> dict[str, Any]:
    """The card of a prompt that a member wrote: its id alone, for its words stay their author's to take back."""
    return {"id": f"own:{row.id}", "text": "", "by": str(row.author_id)}


# -- state ------------------------------------------------------------------------------------------------------------


def _state(opened: OpenBond) -> choice.DeckState:
    payload = bonds.row_read(opened, vault.Place.DECK)
    return choice.DeckState.from_payload(payload["state"]) if payload else choice.DeckState()


def found(opened: OpenBond) -> None:
    """The deck row of a new bond."""
    bonds.row_write(opened, vault.Place.DECK, {"state": choice.DeckState().to_payload()})


def note_opened(opened: OpenBond, prompt: content.Prompt) -> None:
    """Write down that a prompt was opened. Inside the transaction that opens it."""
    bonds.row_write(opened, vault.Place.DECK, {"state": _state(opened).after(prompt).to_payload()})


def choose(opened: OpenBond, *, skipped: tuple[str, ...] = ()) -> content.Prompt | None:
    """The next prompt for this bond. None if everyone's wishes together leave nothing."""
    level, avoid, now = services.wishes_of_all(opened)
    minors = opened.minors or bonds.minors_in(opened.id)
    seed = hashlib.sha256(opened.id.bytes).hexdigest()
    return choice.choose(
        the_deck(),
        _state(opened),
        max_level=min(level, choice.deepest(minors=minors)),
        kind=content.BondKind(opened.bond.kind),
        wishes=frozenset(content.Theme(theme) for theme in avoid if theme in content.Theme._value2member_map_),
        now=frozenset(content.When(one) for one in now if one in content.When._value2member_map_),
        seed=seed,
        skipped=skipped,
    )


# -- one member's own choosing ------------------------------------------------------------------------------------------


def my_wishes(opened: OpenBond) -> dict[str, Any]:
    """My own private yes to a depth, and what I leave out."""
    return opened.loaded(vault.Place.MEMBERSHIP_WISHES, opened.me.id) or {"level": 1, "not": []}


def _own(opened: OpenBond) -> dict[str, Any]:
    return opened.loaded(vault.Place.MEMBERSHIP_OWN, opened.me.id) or {}


def levels(opened: OpenBond) -> list[tuple[int, Any]]:
    """The depths that I can choose from: all, unless I am under 18 myself. Nothing here depends on the others."""
    return [one for one in level_words() if one[0] <= choice.deepest(minors=opened.me.under_18)]


def was_asked(opened: OpenBond) -> bool:
    """Whether a prompt was looked for since the last one was opened here."""
    return "offer" in _own(opened)


def offered(opened: OpenBond) -> content.Prompt | None:
    """The prompt that I was last offered, for me alone."""
    return the_deck().by_id.get(_own(opened).get("offer") or "")


def offer_next(opened: OpenBond, *, skip: bool = False, avoid: bool = False) -> None:
    """Offer me a prompt: the next one, another than the present offer, or none of its kind from now on."""
    own, present = _own(opened), offered(opened)
    skipped = [*own.get("skipped", []), *([present.id] if present and (skip or avoid) else [])][-MOST_SKIPPED:]
    with transaction.atomic():
        hold(opened)
        if avoid and present is not None:
            mine = my_wishes(opened)
            wishes = {**mine, "not": sorted({*mine["not"], present.theme.value})}
            bonds.row_write(opened, vault.Place.MEMBERSHIP_WISHES, wishes, member=opened.me.id)
        chosen = choose(opened, skipped=tuple(skipped))
        payload = {"offer": chosen.id if chosen else None, "skipped": skipped}
        bonds.row_write(opened, vault.Place.MEMBERSHIP_OWN, payload, member=opened.me.id)


def open_offer(opened: OpenBond, prompt: content.Prompt) -> Moment:
    """Open the offered prompt for everyone. Raises services.TooDeep if somebody joined, or changed their mind, since it
    was offered: what all have agreed to counts now."""
    with transaction.atomic():
        hold(opened)
        if prompt.level > services.wishes_of_all(opened)[0]:
            raise services.TooDeep
        note_opened(opened, prompt)
        bonds.row_write(opened, vault.Place.MEMBERSHIP_OWN, {"skipped": []}, member=opened.me.id)
        return services.moment_open(opened, card_of(prompt))


def may_ask_level(opened: OpenBond) -> bool:
    """Whether this is a time to ask me, in private, about the next depth. No query: all of it came with the bond."""
    payload = opened.loaded(vault.Place.DECK)
    mine = my_wishes(opened)
    if payload is None or mine["level"] >= choice.deepest(minors=opened.me.under_18) or mine.get("asked") == mine["level"]:
        return False
    return choice.levels_offer(choice.DeckState.from_payload(payload["state"]), mine["level"])
