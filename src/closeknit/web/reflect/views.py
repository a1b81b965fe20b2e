"""Reflect: what one does alone. The library is the same for everyone; what somebody reads in it is written nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from closeknit import vault
from closeknit.method.content import BondKind
from closeknit.method.library import Facts, Lesson, Room, Source, search, suggest
from closeknit.web import content
from closeknit.web.bonds.access import bonds_of
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.dialogues.models import Dialogue
from closeknit.web.members.keys import keys_of
from closeknit.web.moments.models import Moment

from . import kept as keeping
from .prose import rendered

#: Of what is searched for, no more is looked at, in characters.
MOST_ASKED = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """A lesson in a list. url: its address for this member alone."""

    lesson: Lesson
    url: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Cited:
    """A source at a lesson's foot."""

    number: int
    key: str
    source: Source


@login_required
@require_GET
def reflect(request: HttpRequest) -> HttpResponse:
    """What there is to do alone."""
    keys_of(request).need  # noqa: B018 - locked: the page that opens it again
    return render(request, "reflect/reflect.html")


def mark(keyring: vault.Keyring, lesson: Lesson) -> str:
    """A lesson in this member's addresses: neither a log nor a browser's history tells what somebody reads."""
    return keyring.address(b"lesson " + lesson.id.encode())


def _address(keyring: vault.Keyring) -> Callable[[Lesson], str]:
    return lambda lesson: reverse("lesson", args=[mark(keyring, lesson)])


def _lesson(keyring: vault.Keyring, name: str) -> Lesson:
    found = next((one for one in content.library().lessons if mark(keyring, one) == name), None)
    if found is None:
        raise Http404
    return found


@login_required
@require_http_methods(["GET", "POST"])
def library(request: HttpRequest) -> HttpResponse:
    """All lessons, by what brings somebody to them. What is searched for is sent, and never part of an address."""
    keys = keys_of(request)
    books, keyring = content.library(), keys.need
    mine = keeping.kept(keys, request.user)
    address = _address(keyring)

    def shown(lessons: list[Lesson]) -> list[Shown]:
        return [Shown(one, address(one), one.id in mine) for one in lessons]

    context = {"needs": [(need, shown(books.answering(need))) for need in books.needs], "count": len(books.lessons)}
    context["kept"] = shown([books.by_id[one] for one in mine if one in books.by_id])
    if request.method == "POST":
        asked = request.POST.get("q", "")[:MOST_ASKED].strip()
        context |= {"asked": asked, "found": shown(search(books, asked))}
    else:
        context["suggested"] = [
            (opened, *shown([lesson]), why)
            for opened in bonds_of(request)
            for lesson, why in filter(None, [suggest(books, _facts(opened), mine)])
        ]
    return render(request, "reflect/library.html", context)


def _facts(opened: OpenBond) -> Facts:
    """What the rules of suggestion may look at: counts, and no word."""
    return Facts(
        BondKind(opened.bond.kind),
        len(opened.people),
        Moment.objects.filter(bond=opened.bond, revealed_at__isnull=False).count(),
        Dialogue.objects.filter(bond=opened.bond, over_at__isnull=False).count(),
    )


@login_required
@require_GET
def lesson(request: HttpRequest, name: str) -> HttpResponse:
    """One lesson, on one page that also prints."""
    keys = keys_of(request)
    keyring, books = keys.need, content.library()
    one = _lesson(keyring, name)
    address = _address(keyring)
    known = books.evidence.sources
    sources = [Cited(number, key, known[key]) for number, key in enumerate(one.cites, start=1) if key in known]
    after = next((other for other in books.lessons if other.place > one.place), None)
    context = {
        "one": one,
        "name": name,
        "body": rendered(one, books, address),
        "sources": sources,
        "kept": one.id in keeping.kept(keys, request.user),
        "room": _room(request, one.attempt.room),
        "after": Shown(after, address(after), False) if after is not None else None,
    }
    return render(request, "reflect/lesson.html", context)


def _room(request: HttpRequest, room: Room) -> str:
    """Where the thing to try is done; empty where this member has no such room yet."""
    if room in {Room.TODAY, Room.TALK}:
        bonds = bonds_of(request)
        return reverse(room.value, args=[bonds[-1].id]) if bonds else ""
    return reverse({Room.WORDS: "write", Room.REHEARSE: "rehearsals", Room.CARE: "care"}[room])


@login_required
@require_POST
def lesson_keep(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a lesson at hand, or let it go."""
    keys = keys_of(request)
    keeping.keep(keys, request.user, _lesson(keys.need, name).id)
    return redirect("lesson", name)


@require_safe
def evidence(request: HttpRequest) -> HttpResponse:
    """What is claimed, and on what it rests; for everyone, as nothing of it is anybody's."""
    books = content.library()
    context = {"about": books.claims_about(), "evidence": books.evidence}
    return render(request, "reflect/evidence.html", context)
