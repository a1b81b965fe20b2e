"""Words for what a dialogue refuses."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

REFUSALS = {
    "late": gettext_lazy("It has moved on in the meantime. This is where it stands now."),
    "already-done": gettext_lazy("That has arrived already; once is enough."),
    "too-early": gettext_lazy("Not quite yet. It becomes possible here by itself."),
    "lapsed": gettext_lazy("The question has run out. Ask anew, if you still want to."),
    "not-your-turn": gettext_lazy("Somebody else has the floor just now."),
    "not-running": gettext_lazy("It rests at the moment."),
    "over": gettext_lazy("It has ended. What you typed stands below."),
    "choose": gettext_lazy("Choose one of them first."),
    "long": gettext_lazy("That is longer than one sentence should be. Say in fewer words what is missing."),
    "judge": gettext_lazy("Choose yes, partly or not yet."),
    "bad-event": gettext_lazy("A time-out lasts from 20 minutes to a day."),
    "too-few": gettext_lazy("Somebody is still missing."),
}


@register.filter
def refusal(code: str) -> str:
    """What to do after a refusal."""
    return str(REFUSALS.get(code) or _("That is not possible any more; the page now shows how things are."))
