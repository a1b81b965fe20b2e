"""How might this land? And the rehearsals. No view here stores a text, but for the words a member keeps on purpose."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from closeknit import vault
from closeknit.coach.reading import Reading
from closeknit.coach.rehearsal import TURNS, Move, Practice, Rehearsal, answer
from closeknit.coach.tips import Situation
from closeknit.web import clock, content
from closeknit.web.bonds import private
from closeknit.web.bonds.access import bonds_of, need_to_be_in
from closeknit.web.bonds.room import forget_kept
from closeknit.web.bonds.texts import clean_text
from closeknit.web.members.keys import keys_of

from . import asking, forms, scores
from . import desk as desks
from .desk import NotNow
from .wishes import Use, Wishes, called_off, wishes_of, wishes_write


def _typed(request: HttpRequest) -> str:
    """What a composer holds; where it has several fields, one after the other. Raises ValidationError."""
    names = [name for name in request.POST if name == "text" or name.startswith("f-")]
    return clean_text("\n".join(request.POST[name] for name in names if request.POST[name].strip()))


def _situation(request: HttpRequest) -> Situation:
    try:
        return Situation(request.POST.get("situation", ""))
    except ValueError:
        raise Http404 from None


@login_required
@require_http_methods(["GET", "POST"])
def land(request: HttpRequest, bond_id: uuid.UUID) -> HttpResponse:
    """What the coach says of a text that is being written: a piece of the page, or without script a page. Whoever comes
    back to it, after a lock or by a reload, is led to Today, where what they typed waits.

    It looks at nothing of the bond, so it opens nothing of it: pressing again and again must not slow the others' pages.
    """
    keys = keys_of(request)
    keys.need  # noqa: B018 - locked: the page that opens it again
    need_to_be_in(request, bond_id)
    if request.method == "GET":
        return redirect("today", bond_id)
    return _landed(request, _situation(request), bond_id)


@login_required
@require_http_methods(["GET", "POST"])
def land_alone(request: HttpRequest) -> HttpResponse:
    """The same of what is written for oneself."""
    keys_of(request).need  # noqa: B018 - locked: the page that opens it again
    return redirect("write") if request.method == "GET" else _landed(request, Situation.JOURNAL, None)


def _landed(request: HttpRequest, situation: Situation, bond_id: uuid.UUID | None) -> HttpResponse:
    wishes, status = wishes_of(keys_of(request), request.user), 200
    context: dict[str, Any] = {"wishes": wishes, "given": request.POST.get("given", "")[:2000]}
    try:
        text = _typed(request)
    except ValidationError as error:
        text, status = "", 422
        context["error"] = error.messages[0]
    if wishes.use is Use.NEW:
        context["new"] = True
    elif not wishes.offers(bond_id):
        context["quiet"] = True
    elif status == 200:
        given = asking.given_before(context["given"])
        left = asking.seconds_left(request.META.get("HTTP_X_ARRIVED", ""))
        context["landing"] = asking.land(text, request.POST.get("about", ""), situation, wishes, given, left)
    context["typed"] = text or request.POST.get("text", "")
    template = "coach/_landing.html" if request.headers.get("X-Land") else "coach/landing.html"
    return render(request, template, context, status=status)


def saved(request: HttpRequest, text: str) -> JsonResponse:
    """The answer to a draft that was saved: whether there are clear signs of danger in it, for its writer alone."""
    wishes = wishes_of(keys_of(request), request.user)
    return JsonResponse({"saved": True, **({"care": True} if asking.needs_care(text, wishes) else {})})


@login_required
@require_POST
def off(request: HttpRequest) -> HttpResponse:
    """"This was off": from now on the coach needs more certainty before it says such a thing to this member."""
    keys = keys_of(request)
    rule = content.tips().rule(request.POST.get("tip", ""))
    if rule is None:
        raise Http404
    wishes = wishes_of(keys, request.user)
    wishes_write(keys, request.user, called_off(wishes, rule.when.about))
    template = "coach/_off.html" if request.headers.get("X-Land") else "coach/off.html"
    return render(request, template, {})


@login_required
@require_http_methods(["GET", "POST"])
def about(request: HttpRequest) -> HttpResponse:
    """What the coach is, what it gets wrong, its scores, and what it may do for me."""
    keys = keys_of(request)
    wishes = wishes_of(keys, request.user)
    named = [(str(opened.id), opened.name or str(opened.bond.get_kind_display())) for opened in bonds_of(request)]
    form = forms.WishesForm(
        request.POST if request.method == "POST" else None,
        bonds=named,
        has_off=bool(wishes.off),
        initial={"use": Use.TIPS if wishes.use is Use.NEW else wishes.use, "quiet_in": sorted(wishes.quiet_in)},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        kept = {} if data.get("forget") else wishes.off
        wishes_write(keys, request.user, Wishes(Use(data["use"]), frozenset(data.get("quiet_in", ())), kept))
        return redirect("coach")
    context = {"form": form, "wishes": wishes, "scores": scores.shown(), "has_off": bool(wishes.off)}
    return render(request, "coach/about.html", context, status=422 if form.errors else 200)


# -- rehearsals -----------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def rehearsals(request: HttpRequest) -> HttpResponse:
    """People to practise with. A sentence from another page comes along in the form, and is nowhere else."""
    keyring = keys_of(request).need
    found = [(mark(keyring, one), one) for one in content.rehearsals()]
    brought = _brought(request)
    # Who brings a sentence has something to say.
    order = reversed(Practice) if brought else Practice
    groups = [(practice, [pair for pair in found if pair[1].practice is practice]) for practice in order]
    return render(request, "coach/rehearsals.html", {"groups": groups, "brought": brought})


def mark(keyring: vault.Keyring, one: Rehearsal) -> str:
    """A rehearsal in this member's addresses: neither a log nor a browser's history tells what somebody practises."""
    return keyring.address(b"rehearsal " + one.id.encode())


def _rehearsal(keyring: vault.Keyring, name: str) -> Rehearsal:
    found = next((one for one in content.rehearsals() if mark(keyring, one) == name), None)
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True, slots=True)
class Exchange:
    """A reply, what it did, and the made-up person's answer."""

    reply: str
    move: Move
    answer: str


def _played(one: Rehearsal, replies: list[str], until: float) -> tuple[list[Exchange], tuple[Reading, Reading] | None]:
    """(the talk that these replies make, the readings of the last reply and of what it answers). Raises NotNow if that is
    not done before `until`, of time.monotonic."""
    talk: list[Exchange] = []
    before, last = one.opening, None
    for number, reply in enumerate(replies):
        reading, heard = desks.desk.read([(reply, before), (before, None)], until - time.monotonic())
        move, before = answer(one, number, reading)
        talk.append(Exchange(reply, move, before))
        last = (reading, heard)
    return talk, last


@login_required
@require_http_methods(["GET", "POST"])
def rehearse(request: HttpRequest, name: str) -> HttpResponse:
    """One rehearsal. What was said so far travels in the page, and is nowhere else.

    see: how this reply may land, and what the person would say. on: take it, and go on. keep: put the talk among my own
    words. Anything else: from the beginning, with the sentence that was brought, if there is one.
    """
    keys = keys_of(request)
    one = _rehearsal(keys.need, name)
    wishes = wishes_of(keys, request.user)
    do = request.POST.get("do", "")
    said = [text for text in (_line(raw) for raw in request.POST.getlist("said")) if text][:TURNS]
    form = forms.ReplyForm(request.POST if do in {"see", "on"} else None, initial={"text": _brought(request)})
    tried = form.cleaned_data["text"] if form.is_bound and len(said) < TURNS and form.is_valid() else ""
    context: dict[str, Any] = {"one": one, "mark": name, "form": form}
    try:
        until = time.monotonic() + asking.seconds_left(request.META.get("HTTP_X_ARRIVED", ""))
        talk, last = _played(one, [*said, tried] if tried else said, until)
    except NotNow as error:
        return render(request, "coach/rehearse.html", {**context, "said": said, "missing": error.missing}, status=503)
    if do == "keep" and talk:
        with transaction.atomic():
            private.words_keep(request.user.pk, keys.need, [(None, _kept(one, talk))])
        forget_kept(request)
        return redirect("words")
    if do == "on" and tried:
        said, form = [*said, tried], forms.ReplyForm()
    elif tried and last is not None:
        context |= {"tried": talk.pop(), "earlier": _line(request.POST.get("earlier", ""))}
        situation = Situation.RESPOND if one.practice is Practice.LISTEN else Situation.NEED
        context["landing"] = asking.landed(tried, *last, situation, wishes, asking.given_before(""))
    context |= {"form": form, "said": said, "talk": talk, "over": len(said) == TURNS, "turn": len(said) + 1, "turns": TURNS}
    return render(request, "coach/rehearse.html", context, status=422 if form.errors else 200)


def _brought(request: HttpRequest) -> str:
    """A sentence that somebody would like to rehearse: the words they begin with, where they have any, or the thing."""
    return _line(request.POST.get("words", "")) or _line(request.POST.get("text", ""))


def _line(raw: str) -> str:
    try:
        return clean_text(raw)
    except ValidationError:
        return ""


def _kept(one: Rehearsal, talk: list[Exchange]) -> dict[str, Any]:
    lines = [f"{one.person}: {one.opening}"]
    for exchange in talk:
        lines += [f"– {exchange.reply}", f"{one.person}: {exchange.answer}"]
    return {"text": "\n\n".join(lines), "prompt": one.title, "kind": "rehearsal", "at": clock.now().isoformat()}
