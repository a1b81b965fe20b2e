"""The coach under a composer."""

from __future__ import annotations

import re
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from closeknit.coach.labels import Label
from closeknit.web.members.keys import keys_of

from ..asking import MOST_ABOUT
from ..scores import NAMES
from ..wishes import wishes_of

register = template.Library()


@register.inclusion_tag("coach/_button.html", takes_context=True)
def land(context: Context, situation: str, about: str = "") -> dict[str, Any]:
    """The quiet button, and the place where its answer appears; nothing where the member wants none."""
    request, bond = context["request"], context.get("bond")
    wishes = wishes_of(keys_of(request), request.user)
    offers = wishes.offers(bond.id if bond else None)
    return {
        "url": reverse("land", args=[bond.id]) if bond else reverse("land-alone"),
        "situation": situation,
        "about": str(about or "")[:MOST_ABOUT],
        "offers": offers,
        "helps": wishes.may_help,
        "new": wishes.use.value == "new",
    }


@register.filter
def tip_line(say: str) -> SafeString:
    """A tip's words, with what it names in italics."""
    return mark_safe(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", conditional_escape(say)))


@register.filter
def label_name(label: Label) -> str:
    """A label in plain words."""
    return str(NAMES[label])
