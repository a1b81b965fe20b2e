"""The journal: what somebody writes for themselves, how they find it again, and how it gets out of here on purpose."""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from closeknit import vault
from closeknit.method.alone import Question, of_the_day
from closeknit.method.feelings import Family
from closeknit.web import clock, content
from closeknit.web.bonds import private
from closeknit.web.bonds.access import bonds_of
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.bonds.private import Kept, Known
from closeknit.web.bonds.room import forget_kept, kept_text
from closeknit.web.bonds.texts import clean_text
from closeknit.web.coach.views import saved
from closeknit.web.members.keys import keys_of
from closeknit.web.members.pages import wants_json
from closeknit.web.members.queries import profile_of
from closeknit.web.moments import deck
from closeknit.web.moments import services as moments
from closeknit.web.tasks import checkpoint_soon

from . import gallery
from . import kept as keeping
from .forms import EntryForm, TakeForm

JOURNAL = "journal"
#: Entries on one page, and of what is found.
PAGE = 30
#: Of what is searched for, no more is looked at, in characters.
MOST_ASKED = 120


# -- writing --------------------------------------------------------------------------------------------------------------


def _families(chosen: Collection[str]) -> list[tuple[Family, list[tuple[str, bool]]]]:
    """Feelings by family, each with whether it is chosen."""
    return [(family, [(word, word in chosen) for word in family.words]) for family in content.feelings()]


def _zone(request: HttpRequest) -> tzinfo:
    return profile_of(keys_of(request), request.user).tzinfo


def _questions(request: HttpRequest) -> tuple[Question, ...]:
    """Today's, in the member's own day."""
    return of_the_day(content.questions(), clock.now().astimezone(_zone(request)).date())


def _entry_page(
    request: HttpRequest, form: EntryForm, status: int = 200, *, entry: Kept | None = None, kept: str = ""
) -> HttpResponse:
    chosen = form.data.getlist("feelings") if form.is_bound else form.initial.get("feelings", [])
    names = [person.name for opened in bonds_of(request) for person in opened.others]
    context = {"form": form, "families": _families(chosen), "chosen": chosen, "entry": entry, "was_kept": bool(kept)}
    context["names"] = list(dict.fromkeys(names))
    return render(request, "reflect/write.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """A new entry. What is being written is saved as a draft; there is one at a time."""
    keys = keys_of(request)
    keyring = keys.need
    questions = _questions(request)
    if request.method == "GET":
        kept = kept_text(request, request.path)
        initial = {"text": kept or keeping.draft(keys, request.user)}
        return _entry_page(request, EntryForm(initial=initial, questions=questions), kept=kept)
    # Whoever began before midnight answers yesterday's question.
    form = EntryForm(request.POST, questions=content.questions())
    if not form.is_valid():
        form.fields["question"].choices = [("", _("None")), *((one.id, one.text) for one in questions)]  # type: ignore[attr-defined]
        return _entry_page(request, form, status=422)
    said = form.cleaned_data
    about: dict[str, Any] = {"text": said["text"], "kind": JOURNAL, "at": clock.now().isoformat()}
    about |= {"feelings": form.felt(), "tags": said["tags"], "prompt": said["question"]}
    with transaction.atomic():
        private.words_keep(request.user.pk, keyring, [(None, about)])
        keeping.draft_write(keys, request.user, "")
    forget_kept(request)
    return redirect("journal")


@login_required
@require_POST
def write_draft(request: HttpRequest) -> HttpResponse:
    """Save what I am writing. The page's script asks a moment after the last key."""
    keys = keys_of(request)
    try:
        text = clean_text(request.POST.get("text", ""))
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"saved": False, "say": error.messages[0]}, status=422)
        return _entry_page(request, EntryForm(request.POST, questions=_questions(request)), status=422)
    keeping.draft_write(keys, request.user, text)
    forget_kept(request)
    return saved(request, text) if wants_json(request) else redirect("write")


@login_required
@require_http_methods(["GET", "POST"])
def rewrite(request: HttpRequest, word_id: uuid.UUID) -> HttpResponse:
    """Change an entry that I wrote for myself; its day and its question stay."""
    keyring = keys_of(request).need
    entry = private.word_read(request.user.pk, keyring, word_id)
    if entry is None or entry.kind != JOURNAL:
        raise Http404
    listed = {word for family in content.feelings() for word in family.words}
    if request.method == "GET":
        kept = kept_text(request, request.path)
        felt = {"feelings": [one for one in entry.feelings if one in listed]}
        own = ", ".join(one for one in entry.feelings if one not in listed)
        initial = {"text": kept or entry.text, "own": own, "tags": ", ".join(entry.tags), **felt}
        return _entry_page(request, EntryForm(initial=initial), entry=entry, kept=kept)
    form = EntryForm(request.POST)
    if not form.is_valid():
        return _entry_page(request, form, status=422, entry=entry)
    more = {"feelings": form.felt(), "tags": form.cleaned_data["tags"]}
    private.word_rewrite(request.user.pk, keyring, word_id, form.cleaned_data["text"], more)
    forget_kept(request)
    checkpoint_soon()
    return redirect("journal")


# -- finding again --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a calendar. number: of the month, or 0 where the week belongs to another."""

    number: int
    written: bool


def _weeks(month: date, days: set[int]) -> list[list[Day]]:
    """A month's weeks, from Monday."""
    weeks = calendar.Calendar().monthdayscalendar(month.year, month.month)
    return [[Day(day, day in days) for day in week] for week in weeks]


def _about(one: Kept, asked: str, beneath: str) -> bool:
    """Whether all words asked for stand in an entry, its question, its feelings, its tags or beneath its pictures."""
    held = "\n".join((one.text, one.prompt, *one.feelings, *one.tags, beneath)).casefold()
    return all(word in held for word in asked.casefold().split())


def found(member_id: uuid.UUID, keyring: vault.Keyring, asked: str) -> tuple[list[Kept], bool]:
    """(the newest entries that hold all words of `asked`, whether there are more). Opens every private text, in short
    reads, until it has enough."""
    hits: list[Kept] = []
    beneath = gallery.described(keyring, member_id)
    for _row, one in private.words_all(member_id, keyring):
        if one is not None and one.kind == JOURNAL and _about(one, asked, beneath.get(one.id, "")):
            hits.append(one)
            if len(hits) > PAGE:
                break
    return hits[:PAGE], len(hits) > PAGE


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the journal: its entries, newest first, and its calendar."""

    entries: list[Kept]
    weeks: list[list[Day]]
    more: bool


def month_of(
    member_id: uuid.UUID, keyring: vault.Keyring, month: date, zone: tzinfo, *, day: int = 0, page: int = 1
) -> Month:
    """A page of one month's entries, or of one day's. Two queries; opens the texts of that page alone."""
    known = [one for one in private.words_known(member_id, keyring, [month]) if one.kind == JOURNAL]
    days = {one.at.astimezone(zone).day for one in known if _in(one, month, zone)}
    shown = [one for one in known if not day or (_in(one, month, zone) and one.at.astimezone(zone).day == day)]
    entries = private.words_open(shown[(page - 1) * PAGE : page * PAGE], keyring)
    return Month(entries, _weeks(month, days), len(shown) > page * PAGE)


def _in(one: Known, month: date, zone: tzinfo) -> bool:
    # Rows lie by the month in UTC; an entry of the last night may belong to the next one here.
    return one.at is not None and one.at.astimezone(zone).date().replace(day=1) == month


def on_this_day(
    member_id: uuid.UUID, keyring: vault.Keyring, months: Iterable[date], now: datetime, zone: tzinfo
) -> list[Kept]:
    """Entries of this day in earlier years. At most two queries."""
    today = now.astimezone(zone).date()
    before = [one for one in months if one.month == today.month and one.year < today.year]
    if not before:
        return []
    same = [
        one
        for one in private.words_known(member_id, keyring, before)
        if one.kind == JOURNAL and one.at is not None and one.at.astimezone(zone).day == today.day
    ]
    return private.words_open(same[:3], keyring)


@login_required
@require_http_methods(["GET", "POST"])
def journal(request: HttpRequest) -> HttpResponse:
    """My entries by month and day, or those that hold the words I look for, which are sent and never in an address."""
    keys = keys_of(request)
    keyring, member = keys.need, request.user.pk
    zone = _zone(request)
    months = private.words_months(member)
    context: dict[str, Any] = {"zone": zone, "months": months}
    if request.method == "POST":
        asked = request.POST.get("q", "")[:MOST_ASKED].strip()
        entries, more = found(member, keyring, asked) if asked else ([], False)
        (entries_shown,) = _with_pictures(request, entries)
        context |= {"asked": asked, "entries": entries_shown, "more_found": more}
        return render(request, "reflect/journal.html", context)
    now = clock.now()
    month, day, page = _where(request, months, now.astimezone(zone).date())
    one = month_of(member, keyring, month, zone, day=day, page=page)
    if page > 1 and not one.entries:
        raise Http404
    before = [] if request.GET else on_this_day(member, keyring, months, now, zone)
    shown, context["before"] = _with_pictures(request, one.entries, before)
    context |= {"entries": shown, "weeks": one.weeks, "more": one.more, "month": month, "day": day, "page": page}
    context["weekdays"] = [date(2024, 1, 1 + number) for number in range(7)]
    return render(request, "reflect/journal.html", context)


def _with_pictures(request: HttpRequest, *lists: list[Kept]) -> list[list[tuple[Kept, list[gallery.Shown]]]]:
    """The same lists, each entry with what is known about its pictures. One query for all of them."""
    every = {one.id for entries in lists for one in entries}
    found = gallery.pictures_of(keys_of(request).need, request.user, every) if every else {}
    return [[(one, found.get(one.id, [])) for one in entries] for entries in lists]


def _where(request: HttpRequest, months: list[date], today: date) -> tuple[date, int, int]:
    """(month, day or 0, page) of an address; without any, the newest month with anything in it."""
    newest = months[0] if months else today.replace(day=1)
    try:
        month = date.fromisoformat(f"{request.GET['month']}-01") if "month" in request.GET else newest
        day, page = (int(request.GET.get(name, start)) for name, start in (("day", "0"), ("page", "1")))
    except ValueError:
        raise Http404 from None
    if not 0 <= day <= 31 or not 0 < page < 10_000:
        raise Http404
    return month, day, page


# -- out of here ----------------------------------------------------------------------------------------------------------


def _label(opened: OpenBond) -> str:
    """A bond, and who would read it there."""
    names = ", ".join(person.name for person in opened.others)
    return f"{opened.name} ({names})" if names else str(opened.name)


def _entry_text(request: HttpRequest) -> str:
    """The text of the entry that was named, if it is this member's."""
    try:
        word_id = uuid.UUID(request.POST.get("word", ""))
    except ValueError:
        return ""
    entry = private.word_read(request.user.pk, keys_of(request).need, word_id)
    return entry.text if entry is not None else ""


@login_required
@require_http_methods(["GET", "POST"])
def take(request: HttpRequest) -> HttpResponse:
    """Words of mine on their way into a bond. They go there as my draft: others read them once I share, and not before."""
    keys_of(request).need  # noqa: B018 - locked: the page that opens it again
    bonds = [opened for opened in bonds_of(request) if opened.is_in]
    choices = [(str(opened.id), _label(opened)) for opened in bonds]
    first = {"line": _("Something I would like to tell you"), "bond": choices[0][0] if len(choices) == 1 else ""}
    if request.method == "GET" or ("bond" not in request.POST and "line" not in request.POST):
        text = request.POST.get("text", "") or _entry_text(request) or kept_text(request, request.path)
        form = TakeForm(bonds=choices, initial={**first, "text": text})
        return render(request, "reflect/take.html", {"form": form, "bonds": bonds})
    form = TakeForm(request.POST, bonds=choices)
    if not form.is_valid():
        return render(request, "reflect/take.html", {"form": form, "bonds": bonds}, status=422)
    said = form.cleaned_data
    opened = next(one for one in bonds if str(one.id) == said["bond"])
    with transaction.atomic():
        own = moments.own_prompt_write(opened, said["line"])
        moment = moments.moment_open(opened, deck.own_card(own))
        moments.draft_write(opened, moment, said["text"])
    forget_kept(request)
    return redirect("moment", opened.id, moment.id)
