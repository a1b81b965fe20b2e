"""Small pieces that templates draw: icons, depth, marks, threads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from .. import drawing

register = template.Library()
ICONS = Path(__file__).parents[2] / "static" / "closeknit" / "icons"


@cache
def _icon(name: str) -> SafeString:
    source = (ICONS / f"{name}.svg").read_text("utf-8")
    match = re.search(r"<svg[^>]*>(.*)</svg>", source, re.DOTALL)
    inner = re.sub(r"\s+", " ", match.group(1)).strip() if match else ""
    return mark_safe(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{inner}</svg>')


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the vendored set, inlined and hidden from screen readers."""
    return _icon(name)


@register.simple_tag
def depth(level: int) -> SafeString:
    """Five small dots."""
    dots = format_html_join("", "<i{}></i>", ((mark_safe(' class="on"') if n < level else "",) for n in range(5)))
    return format_html(
        '<span class="depth" role="img" aria-label="{}">{}</span>', _("Depth %(n)d of 5") % {"n": level}, dots
    )


@register.simple_tag
def mark(threads: Sequence[str]) -> SafeString:
    """A bond's stitch, in its members' threads."""
    paths = format_html_join("", '<path class="t-{}" d="{}"/>', drawing.stitch(threads))
    return format_html('<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">{}</svg>', paths)


@register.simple_tag
def thread_cell(threads: Sequence[str], crossing: bool, turned: bool = False) -> SafeString:
    """One row of history's threads; decorative, the list beside it says all."""
    strands = drawing.cell(len(threads), crossing, turned)
    paths = format_html_join("", '<path class="t-{}" d="{}"/>', zip(threads, strands, strict=True))
    return format_html(
        '<svg class="thread" viewBox="0 0 48 100" preserveAspectRatio="none" aria-hidden="true">{}</svg>', paths
    )


@register.filter
def widget_kind(field: Any) -> str:
    """Which partial a form field needs: check, radios, checks, passphrase or input."""
    name = type(field.field.widget).__name__
    return {
        "CheckboxInput": "check",
        "RadioSelect": "radios",
        "CheckboxSelectMultiple": "checks",
        "PasswordInput": "passphrase",
        "Textarea": "textarea",
    }.get(name, "input")


@register.simple_tag
def control(field: Any, **attributes: Any) -> SafeString:
    """A form field's widget, tied to its hint and its error."""
    described = []
    if field.help_text:
        described.append(f"{field.id_for_label}-hint")
    extra: dict[str, Any] = {key.replace("_", "-"): value for key, value in attributes.items() if value}
    if field.errors:
        described.append(f"{field.id_for_label}-error")
        extra["aria-invalid"] = "true"
    extra["aria-describedby"] = " ".join(described) or False
    return field.as_widget(attrs=extra)


@register.filter
def threads(names: str) -> list[str]:
    """Thread names out of a literal in a template."""
    return names.split()
