"""What is one's own: who I am, what does me good, the people and places around me; a break of kindness, a need put into
words, a disagreement seen from outside."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from closeknit.coach.cues import CueKind, find
from closeknit.method import rethink as rule
from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds.room import forget_kept
from closeknit.web.bonds.texts import clean_text
from closeknit.web.members.keys import keys_of
from closeknit.web.members.queries import profile_of
from closeknit.web.tasks import checkpoint_soon

from . import pictures
from .forms import AskForm, HelpForm, PlaceForm, RethinkForm
from .sheets import SheetKind, TooMany, sheet_delete, sheet_new, sheets, single, single_change

#: How many places, or things that do one good, a page holds.
MOST_LINES = 60

# -- who I am -------------------------------------------------------------------------------------------------------------

#: Name as it is sealed, heading, what to write about.
PARTS: tuple[tuple[str, Any, Any], ...] = (
    ("strengths", gettext_lazy("What I bring"), gettext_lazy("What others come to me for. What I do well without noticing.")),
    ("values", gettext_lazy("What matters to me"), gettext_lazy("What I would miss if it went. What I will not bend.")),
    ("soft", gettext_lazy("Where I am sore"), gettext_lazy("Words or tones that hit harder with me than they are meant.")),
    ("low", gettext_lazy("What helps me when I'm low"), gettext_lazy("And what does not, however kindly it is meant.")),
    ("comfort", gettext_lazy("How I like to be comforted"), gettext_lazy("Left alone or held, asked or distracted.")),
)


@login_required
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """How to be close to me, in five parts. Each can be taken into a bond, alone."""
    keyring = keys_of(request).need
    said = single(keyring, request.user, SheetKind.ME)
    wrong: dict[str, str] = {}
    typed = dict(said)
    if request.method == "POST":
        for name, _heading, _about in PARTS:
            typed[name] = request.POST.get(name, "")
            try:
                typed[name] = clean_text(typed[name])
            except ValidationError as error:
                wrong[name] = error.messages[0]
        if not wrong and sum(len(text.encode()) for text in typed.values()) > MOST_BYTES:
            wrong["strengths"] = _("All parts together are more than fits here. Nothing is lost: shorten one of them.")
        if not wrong:
            try:
                single_change(keyring, request.user, SheetKind.ME, lambda _before: typed)
            except TooMany:
                wrong["strengths"] = _("There are as many sheets here as fit. Throw one away that you no longer need.")
            else:
                forget_kept(request)
                return redirect(f"{reverse('me')}?saved")
    parts = [(*part, typed.get(part[0], ""), said.get(part[0], ""), wrong.get(part[0], "")) for part in PARTS]
    context = {"parts": parts, "wrong": wrong, "any": any(said.values())}
    context["saved"] = request.method == "GET" and "saved" in request.GET
    return render(request, "reflect/me.html", context, status=422 if wrong else 200)


#: What one sealed sheet holds of words.
MOST_BYTES = 60_000

# -- people and places, and what does me good -----------------------------------------------------------------------------


def _lines(request: HttpRequest, kind: SheetKind, form: Any, field: str, name: str) -> HttpResponse | None:
    """Add a line to a list of one's own, or take one away; None where the form needs another look."""
    keyring = keys_of(request).need
    gone = request.POST.get("gone", "")
    if gone:
        single_change(
            keyring,
            request.user,
            kind,
            lambda holds: {"lines": [one for one in holds.get("lines", ()) if one["id"] != gone]},
        )
        checkpoint_soon()
        return redirect(name)
    if not form.is_valid():
        return None
    line = {"id": str(uuid.uuid4()), **form.cleaned_data}
    if len(single(keyring, request.user, kind).get("lines", ())) >= MOST_LINES:
        form.add_error(field, _("That is as much as fits here. Take something away first."))
        return None
    try:
        single_change(keyring, request.user, kind, lambda holds: {"lines": [*holds.get("lines", ()), line]})
    except TooMany:
        form.add_error(field, _("There are as many sheets here as fit. Throw one away that you no longer need."))
        return None
    forget_kept(request)
    return redirect(name)


@login_required
@require_http_methods(["GET", "POST"])
def around(request: HttpRequest) -> HttpResponse:
    """The people and places around me, as rings and as a list that prints."""
    keyring = keys_of(request).need
    form = PlaceForm(request.POST if request.method == "POST" and "gone" not in request.POST else None)
    if request.method == "POST":
        answer = _lines(request, SheetKind.MAP, form, "name", "around")
        if answer is not None:
            return answer
    lines = single(keyring, request.user, SheetKind.MAP).get("lines", [])
    labels = dict(form.fields["ring"].choices)  # type: ignore[attr-defined]
    listed = [(label, [one for one in lines if one["ring"] == ring]) for ring, label in labels.items()]
    context = {"form": form, "rings": [one for one in listed if one[1]], "radii": pictures.RINGS.values()}
    context["dots"] = pictures.rings([(one["name"], one["ring"]) for one in lines])
    return render(request, "reflect/around.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def good(request: HttpRequest) -> HttpResponse:
    """What does me good: a list for days on which nothing comes to mind."""
    keyring = keys_of(request).need
    form = HelpForm(request.POST if request.method == "POST" and "gone" not in request.POST else None)
    if request.method == "POST":
        answer = _lines(request, SheetKind.HELPS, form, "text", "good")
        if answer is not None:
            return answer
    lines = single(keyring, request.user, SheetKind.HELPS).get("lines", [])
    labels = dict(form.fields["when"].choices)  # type: ignore[attr-defined]
    listed = [(label, [one for one in lines if (one["when"] or "any") == when]) for when, label in labels.items()]
    context = {"form": form, "groups": [(label, ones) for label, ones in listed if ones]}
    return render(request, "reflect/good.html", context, status=422 if form.errors else 200)


# -- a break, a need, a view from outside ---------------------------------------------------------------------------------


@login_required
@require_GET
def kindness(request: HttpRequest) -> HttpResponse:
    """Three minutes of kindness towards oneself. Nothing is sent and nothing is kept."""
    keys_of(request).need  # noqa: B018 - locked: the page that opens it again
    return render(request, "reflect/kindness.html")


#: What may be heard as blame, by the cue that finds it: a line each.
HEARD: dict[CueKind, Any] = {
    CueKind.ABSOLUTE: gettext_lazy("“Always” and “never” are heard as a verdict. Which time was it?"),
    CueKind.BLAME: gettext_lazy("This says whose fault it is. What happened, before anybody is to blame?"),
    CueKind.MIND_READING: gettext_lazy("This tells the other what they think. What did you notice from outside?"),
    CueKind.FALSE_FEELING: gettext_lazy("After “I feel” comes what the other does. What is the feeling itself?"),
    CueKind.WHY_YOU: gettext_lazy("A “why do you” is heard as a charge. It could be what you noticed."),
    CueKind.SHOULD: gettext_lazy("“You should” leaves no room for a no. It could be something you ask for."),
    CueKind.AT_LEAST: gettext_lazy("This makes it smaller before it was heard."),
    CueKind.BUT_SORRY: gettext_lazy("What comes after “sorry” takes it back. It could stand alone."),
}


@login_required
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """A need and a request: four parts, put together, with what might be heard as blame. Kept only if I say so."""
    keyring = keys_of(request).need
    form = AskForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        whole = _put_together(said)
        if request.POST.get("do") == "keep":
            about = {"text": whole, "kind": "journal", "at": clock.now().isoformat(), "prompt": _("A need and a request")}
            private.words_keep(request.user.pk, keyring, [(None, about)])
            forget_kept(request)
            return redirect("journal")
        context |= {"whole": whole, "heard": _heard(said)}
    return render(request, "reflect/ask.html", context, status=422 if form.errors else 200)


def _put_together(said: dict[str, str]) -> str:
    """The four parts as one text, each as it was typed; a part that is no sentence yet is made one."""
    felt, need = _sentence(_("I felt %(words)s."), said["felt"]), _sentence(_("I need %(words)s."), said["need"])
    return "\n\n".join(part for part in (said["saw"], felt, need, said["request"]) if part)


def _sentence(frame: str, words: str) -> str:
    whole = not words or words[-1] in ".?!…" or words.casefold().startswith(("i ", "i'", "i’"))
    return words if whole else frame % {"words": words}


def _heard(said: dict[str, str]) -> list[tuple[str, Any]]:
    """(the words, what they may be heard as) of all parts, each kind once."""
    found: dict[CueKind, str] = {}
    felt = said["felt"]
    if felt.casefold().startswith(("that ", "like ")):
        felt = f"I feel {felt}"
    for text in (said["saw"], felt, said["need"], said["request"]):
        for cue in find(text):
            if cue.label in HEARD:
                found.setdefault(cue.label, cue.words)
    return [(words, HEARD[label]) for label, words in found.items()]


@login_required
@require_http_methods(["GET", "POST"])
def rethink(request: HttpRequest) -> HttpResponse:
    """Seven minutes with a disagreement, from outside; three times in a year and no more often."""
    keyring = keys_of(request).need
    zone = profile_of(keys_of(request), request.user).tzinfo
    today = clock.now().astimezone(zone).date()
    gone = request.POST.get("gone", "")
    if gone:
        try:
            sheet_delete(keyring, request.user, uuid.UUID(gone), SheetKind.RETHINK)
        except ValueError:
            return redirect("rethink")
        checkpoint_soon()
        return redirect("rethink")
    form = RethinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            sheet_new(keyring, request.user, SheetKind.RETHINK, {"answers": form.cleaned_data})
        except TooMany:
            form.add_error("facts", _("There are as many sheets here as fit. Throw one away that you no longer need."))
        else:
            forget_kept(request)
            return redirect("rethink")
    done = sheets(keyring, request.user, SheetKind.RETHINK)
    again = rule.offered_from((one.at.astimezone(zone).date() for one in done), today)
    asked = [(name, form.fields[name].label) for name in form.ORDER]
    written = [(one.id, one.at, [(label, one.holds["answers"].get(name, "")) for name, label in asked]) for one in done]
    context = {"form": form, "again": again, "offered": again <= today, "written": written, "zone": zone}
    return render(request, "reflect/rethink.html", context, status=422 if form.errors else 200)
