"""Words for the library's pages."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.translation import gettext_lazy as _

from closeknit.method.library import Source, Strength

register = template.Library()
STRENGTHS = {
    Strength.STRONG: _("well supported"),
    Strength.MODERATE: _("fairly supported"),
    Strength.WEAK: _("weakly supported"),
    Strength.CONTESTED: _("disputed"),
    Strength.ASSOCIATION: _("a link, no proof"),
}


@register.filter
def strength(value: Strength) -> str:
    """How well a claim stands, in words."""
    return str(STRENGTHS[Strength(value)])


@register.filter
def source(sources: Mapping[str, Source], key: str) -> str:
    """A source as it is cited in a line."""
    return sources[key].short
