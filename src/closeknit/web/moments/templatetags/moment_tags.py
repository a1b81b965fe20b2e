"""Words for people: names, times, components, refusals; and the thread of a bond."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from closeknit.web import clock
from closeknit.web.bonds.opened import OpenBond, Person

from ..queries import COMES_BACK_AFTER, Glance, Month

register = template.Library()

COMPONENTS = {
    "vulnerability": gettext_lazy("Vulnerability"),
    "empathy": gettext_lazy("Empathy"),
    "trust": gettext_lazy("Trust"),
    "authenticity": gettext_lazy("Authenticity"),
    "acceptance": gettext_lazy("Acceptance"),
}
PROBLEMS = {
    "already-answered": gettext_lazy("You have answered this one already. What you typed is below."),
    "already-revealed": gettext_lazy("It has opened in the meantime. Look at it first; nothing you typed is lost."),
    "already-released": gettext_lazy("Your answer can be read already. You can still take it back."),
    "too-early": gettext_lazy("Something else comes first here: choose one of the four answers, then words."),
    "advice-not-welcome": gettext_lazy("Advice was not asked for here. Your words are below; send them without it."),
    "cannot-see": gettext_lazy("That answer is no longer there. Your words are below."),
    "not-taking-part": gettext_lazy("You were not taking part, so there is nothing to undo."),
}


@register.filter
def component(value: str) -> str:
    """A component's name."""
    return str(COMPONENTS.get(value, ""))


@register.filter
def problem(code: str) -> str:
    """What to do after a refusal."""
    return str(PROBLEMS.get(code) or _("That is not possible any more; the page now shows how things are."))


@register.filter
def names(people: Sequence[Person]) -> str:
    """Names as one would say them."""
    known = [person.name for person in people if person.name]
    if not known:
        return _("the others")
    if len(known) == 1:
        return known[0]
    return _("%(some)s and %(last)s") % {"some": ", ".join(known[:-1]), "last": known[-1]}


@register.filter
def ago(at: datetime) -> str:
    """How long ago, in words; rough on purpose."""
    seconds = (clock.now() - at).total_seconds()
    if seconds < 90:
        return _("a moment ago")
    if seconds < 5400:
        count = round(seconds / 60)
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
    if seconds < 79200:
        count = round(seconds / 3600)
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    days = round(seconds / 86400)
    if days < 14:
        return ngettext("yesterday", "%(count)d days ago", days) % {"count": days}
    if days < 70:
        return ngettext("%(count)d week ago", "%(count)d weeks ago", days // 7) % {"count": days // 7}
    return ngettext("%(count)d month ago", "%(count)d months ago", days // 30) % {"count": days // 30}


@register.filter
def day(at: datetime, zone: tzinfo) -> str:
    """A day in the member's own zone, with its machine-readable twin."""
    local = at.astimezone(zone)
    form = "j F" if local.year == clock.now().astimezone(zone).year else "j F Y"
    return format_html('<time datetime="{}">{}</time>', local.date().isoformat(), date_format(local, form))


@register.filter
def moment_in(at: datetime, zone: tzinfo) -> str:
    """A day and a time in the member's own zone."""
    local, now = at.astimezone(zone), clock.now().astimezone(zone)
    form = "H:i" if local.date() == now.date() else "j F, H:i"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), date_format(local, form))


@register.filter
def months_old(glance: Glance) -> bool:
    """Whether an answer is old enough to ask what changed."""
    return clock.now() - glance.opened_at >= COMES_BACK_AFTER


@register.inclusion_tag("moments/_thread_list.html")
def thread_list(bond: OpenBond, months: Sequence[Month], zone: tzinfo) -> dict[str, Any]:
    """The thread beside its list: crossings where something opened, side by side in quiet stretches."""
    turned, grouped = False, []
    for month in months:
        rows = []
        for glance in month.glances:
            rows.append((glance, turned))
            turned = turned != glance.revealed
        grouped.append((month.first, rows))
    return {"bond": bond, "months": grouped, "zone": zone, "threads": [person.thread for person in bond.people]}
