"""What the understood loop says, whatever script it is part of; and people's names in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from closeknit.method.dialogue import Choice, Spot, Verb
from closeknit.method.scripts import Side

CHOICES = {
    Choice.UNDERSTAND: gettext_lazy("I understand"),
    Choice.TELL_MORE: gettext_lazy("Tell me more"),
    Choice.THANKS: gettext_lazy("Thank you"),
    Choice.WITH_YOU: gettext_lazy("I'm with you"),
}
#: How a turn is introduced beside its speaker's name.
TURN_LABELS = {
    Verb.REFLECTED: gettext_lazy("heard"),
    Verb.ADDED: gettext_lazy("also heard"),
    Verb.VALIDATED: gettext_lazy("what makes sense"),
    Verb.EMPATHISED: gettext_lazy("what it may have felt like"),
    Verb.CONFIRMED: gettext_lazy("adds"),
    Verb.JUDGED: gettext_lazy("what is missing"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A side as a page shows it."""

    title: str
    do: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


def filled(text: str, names: dict[str, str]) -> str:
    """A script's sentence with people's names in it."""
    for key, name in names.items():
        text = text.replace(f"{{{key}}}", name)
    return text


def of_side(side: Side | None, names: dict[str, str]) -> Words | None:
    """A script's side with people's names in it."""
    if side is None:
        return None
    return Words(
        filled(side.title, names),
        tuple(filled(line, names) for line in side.do),
        tuple(filled(line, names) for line in side.start),
    )


def of_spot(spot: Spot, role: str, names: dict[str, str]) -> Words:
    """What somebody reads at a spot of the understood loop. role: lead, listener or other."""
    who: dict[str, Any] = {"lead": names["lead"], "listener": names["listener"]}
    if spot is Spot.REFLECT:
        if role == "listener":
            return Words(
                _("Say back what you heard"),
                (_("In your own words, as if you checked a map."), _("Add nothing, mend nothing, defend nothing.")),
                (_("What I hear is…"), _("You…, and that…: is that it?")),
            )
        if role == "lead":
            title = _("%(listener)s says back what they heard") % who
            return Words(title, (_("Only you will know whether that is it."),))
        return Words(_("%(listener)s says it back. You listen.") % who)
    if spot is Spot.CHECK:
        if role == "lead":
            says = _("Only you know. Whatever you choose, %(listener)s can try again, as often as it takes.") % who
            return Words(_("Is this what you meant?"), (says,))
        return Words(_("%(lead)s looks at whether that was it") % who, (_("Nothing to explain. Let it stand."),))
    if spot is Spot.MORE:
        if role == "lead":
            return Words(_("Is there more to it?"), (_("The next piece, if there is one. A small one is enough."),))
        return Words(_("%(lead)s thinks whether there is more") % who)
    if spot is Spot.VALIDATE:
        if role == "listener":
            return Words(
                _("What makes sense about it?"),
                (_("Sense is not agreement. Look at it from where %(lead)s stands.") % who,),
                (_("It makes sense that…, because…"), _("After what happened, no wonder that…")),
            )
        return Words(_("%(listener)s looks for what makes sense in it") % who)
    if spot is Spot.EMPATHISE:
        if role == "listener":
            return Words(
                _("What may it have felt like?"),
                (_("One feeling, as a guess. Be ready to be wrong."),),
                (_("I imagine you felt…"), _("Was it something like…?")),
            )
        return Words(_("%(listener)s guesses what it felt like") % who)
    if role == "lead":
        return Words(_("Did that reach you?"), (_("A yes is enough. Or add a word."),))
    return Words(_("%(lead)s says whether it arrived") % who)
