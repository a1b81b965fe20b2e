"""How good the reader is, for the page that says so: from the manifest of the packaged model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_lazy as _

from closeknit.coach.labels import Label

NAMES = {
    Label.CRITICISM: _("a verdict on somebody"),
    Label.CONTEMPT: _("looking down on somebody"),
    Label.DEFENSIVENESS: _("defence"),
    Label.STONEWALLING: _("a shut door"),
    Label.INVALIDATION: _("a feeling argued away"),
    Label.ADVICE: _("advice"),
    Label.OPEN_QUESTION: _("an open question"),
    Label.CLOSED_QUESTION: _("a yes-or-no question"),
    Label.REFLECTION: _("saying back"),
    Label.VALIDATION: _("that it makes sense"),
    Label.REASSURANCE: _("warmth"),
    Label.DISCLOSURE: _("something personal"),
    Label.I_STATEMENT: _("own feeling without blame"),
    Label.FEELING: _("a feeling"),
    Label.NEED: _("a need"),
    Label.REQUEST: _("a wish"),
    Label.REPAIR: _("making good"),
    Label.APPRECIATION: _("thanks or praise"),
    Label.NEUTRAL: _("news, plans, small talk"),
}


@dataclass(frozen=True, slots=True)
class Score:
    """A label in plain words, and how well it is found in messages that the coach never saw: F1, in hundredths."""

    name: str
    percent: int


@cache
def _manifest() -> dict[str, float]:
    from closeknit.coach.reader import PACKAGED

    try:
        found = json.loads((PACKAGED / "manifest.json").read_text("utf-8"))["scores"]
    except (OSError, ValueError, KeyError):
        return {}
    return {str(name): float(value) for name, value in found.items()}


def shown() -> list[Score]:
    """A line for each label that was measured; none where no model is there."""
    known = _manifest()
    return [
        Score(str(name), round(100 * known[f"own {label} F1"]))
        for label, name in NAMES.items()
        if f"own {label} F1" in known
    ]
