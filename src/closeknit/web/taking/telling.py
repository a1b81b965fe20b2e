"""What a page says of a copy that waits for a yes, and of what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from closeknit.web.reflect.sheets import SheetKind

from .paper import kind_label
from .services import PICTURE, Waiting

NO_TEXTS = {*SheetKind, PICTURE}
REASONS = {
    "empty": _("without any text"),
    "too-long": _("too long for one text here"),
    "unclear": _("with something in them that cannot be stored"),
    "full": _("there is no more room for them here. Take something away that you no longer need, then choose the file again"),
    "taken": _("other words of yours stand in their place here, and those stay"),
    "no-entry": _("the entry that they belong to is not in your journal here"),
    "no-space": _("their entry has six pictures already"),
    "no-picture": _("their file is not in the copy, or does not open as a picture"),
    "next-time": _("more than 300 at once. Bring these first, then choose the same file again: it goes on from there"),
}


def _here(sort: str, count: int) -> str:
    said = {
        "text": ngettext(
            "%(count)s text is here already and stays as it is",
            "%(count)s texts are here already and stay as they are",
            count,
        ),
        "sheet": ngettext(
            "%(count)s sheet of Reflect is here already and stays as it is",
            "%(count)s sheets of Reflect are here already and stay as they are",
            count,
        ),
        "line": ngettext(
            "%(count)s line of your lists, or of How to be close to me, is here already",
            "%(count)s lines of your lists, or of How to be close to me, are here already",
            count,
        ),
        "picture": ngettext("%(count)s picture is here already", "%(count)s pictures are here already", count),
    }
    return said[sort] % {"count": count}


def _cannot(sort: str, count: int) -> str:
    said = {
        "text": ngettext("%(count)s text cannot come:", "%(count)s texts cannot come:", count),
        "sheet": ngettext("%(count)s sheet of Reflect cannot come:", "%(count)s sheets of Reflect cannot come:", count),
        "line": ngettext(
            "%(count)s line of your lists, or of How to be close to me, cannot come:",
            "%(count)s lines of your lists, or of How to be close to me, cannot come:",
            count,
        ),
        "picture": ngettext("%(count)s picture cannot come:", "%(count)s pictures cannot come:", count),
    }
    return said[sort] % {"count": count}


def counted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """(what it is, how many) of what comes or came."""
    return [(kind_label(kind), count) for kind, count in sorted(counts.items())]


def where_it_is(came: Mapping[str, int]) -> dict[str, bool]:
    """Which rooms hold what came."""
    kinds = set(came)
    return {"in_words": bool(kinds - NO_TEXTS), "in_reflect": bool(kinds & {*SheetKind}), "in_journal": PICTURE in kinds}


def told(waiting: Waiting) -> dict[str, Any]:
    """The lines of the page that asks for a yes."""
    return {
        "kinds": counted(waiting.counts),
        "here": [_here(sort, count) for sort, count in waiting.here.items() if count],
        "cannot": [
            (_cannot(sort, count), REASONS[reason])
            for sort, reasons in waiting.cannot.items()
            for reason, count in sorted(reasons.items())
        ],
        # Where nothing but texts comes, the button says how many.
        "texts_only": not set(waiting.counts) & NO_TEXTS,
    }
