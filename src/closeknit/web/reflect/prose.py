"""A lesson's text as a page: Markdown without HTML of its own, citations as small numbers, other lessons as links."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from closeknit.method.library import CITED, Lesson, Library

_TITLE = re.compile(r"\*([A-Z][^*\n]{2,60})\*")
#: Rooms that a lesson may name.
_ROOMS = {"Care": "care"}


@cache
def _markdown() -> MarkdownIt:
    # What is not switched on stays text: no HTML, no pictures, no links but ours.
    return MarkdownIt("zero", {"html": False}).enable(["emphasis", "blockquote", "link", "entity", "escape"])


def rendered(lesson: Lesson, library: Library, address: Callable[[Lesson], str]) -> SafeString:
    """The body as HTML. address: where another lesson is. The text is ours or the host's, and all of it is escaped."""
    numbers = {key: number for number, key in enumerate(lesson.cites, start=1)}

    def cited(found: re.Match[str]) -> str:
        if not library.evidence.sources.keys() >= set(found[1].split("; ")):
            return found[0]
        links = (f"[{numbers[key]}](#s-{key})" for key in found[1].split("; "))
        return f"\\[{', '.join(links)}\\]"

    def named(found: re.Match[str]) -> str:
        other = library.by_title.get(found[1])
        if other is not None:
            return f"[{found[1]}]({address(other)})"
        return f"[{found[1]}]({reverse(_ROOMS[found[1]])})" if found[1] in _ROOMS else found[0]

    # Emphasis is left to the steps and names; a title within it becomes a link before anything else is read.
    text = _TITLE.sub(named, CITED.sub(cited, lesson.body))
    html = _markdown().render(text)
    return mark_safe(_CITE.sub(r'<sup class="cite">\1</sup>', html))


_CITE = re.compile(r'\s?\[((?:<a href="#s-[a-z0-9-]+">\d+</a>(?:, )?)+)\]')
