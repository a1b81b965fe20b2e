"""Today, moments, the thread, and what is private around them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit.method import moment as machine
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.bonds.room import forget_kept, in_bond, kept_text, zone_of
from closeknit.web.coach.views import saved
from closeknit.web.members import services as member_services
from closeknit.web.members.keys import keys_of
from closeknit.web.members.pages import wants_json

from . import deck, forms, queries, services
from .models import Moment, OwnPrompt

# -- today ------------------------------------------------------------------------------------------------------------


@in_bond
@require_GET
def today(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """At most three things; after a long gap the same, and a welcome."""
    back = member_services.is_back(keys_of(request))
    if opened.paused:
        template = "moments/_resting.html" if request.headers.get("X-Poke") else "moments/resting.html"
        return render(request, template, {"bond": opened, "is_back": back})
    shown = queries.today(opened, may_ask_level=deck.may_ask_level(opened))
    if shown.to_hand:
        for waiting in shown.to_hand:
            services.come_by(opened, waiting)
        shown = queries.today(opened, may_ask_level=deck.may_ask_level(opened))
    about = {"bond": opened, "today": shown, "is_back": back, "zone": zone_of(request)}
    context = {**about, **_page_context(request, opened, shown.page)}
    template = "moments/_today.html" if request.headers.get("X-Poke") else "moments/today.html"
    return render(request, template, context)


def _page_context(
    request: HttpRequest, opened: OpenBond, page: queries.MomentPage | None, form: forms.AnswerForm | None = None
) -> dict[str, Any]:
    if page is None:
        return {"page": None}
    path = reverse("moment", args=[opened.id, page.glance.id])
    kept = kept_text(request, path) if page.stage == "write" else ""
    initial = {"text": kept or page.draft, "rule": "all"}
    return {
        "page": page,
        "form": form or forms.AnswerForm(initial=initial),
        "was_kept": bool(kept) and kept != page.draft,
        "kept_text": kept,
        "others": opened.others,
        "zone": zone_of(request),
    }


# -- one moment ---------------------------------------------------------------------------------------------------------


def _glance(opened: OpenBond, moment_id: uuid.UUID) -> queries.Glance:
    glance = queries.moment_glance(opened, moment_id)
    if glance is None:
        raise Http404
    return glance


@in_bond
@require_GET
def moment(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """One moment: write, wait, or read together."""
    return _moment_page(request, opened, moment_id)


def _moment_page(
    request: HttpRequest,
    opened: OpenBond,
    moment_id: uuid.UUID,
    *,
    form: forms.AnswerForm | None = None,
    say_form: forms.SayForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    glance = _glance(opened, moment_id)
    if machine.Act.HAND_OVER.value in glance.view.can:
        services.come_by(opened, moment_id)
        glance = _glance(opened, moment_id)
    page = queries.moment_page(opened, glance, queries.drafts_of(opened, [moment_id]))
    context = {
        "bond": opened,
        "say_form": say_form,
        "say_to": request.POST.get("to", ""),
        "problem": problem,
        "typed": request.POST.get("text", "") if problem else "",
        **_page_context(request, opened, page, form),
    }
    template = "moments/_moment.html" if request.headers.get("X-Poke") else "moments/moment.html"
    return render(request, template, context, status=status)


def _back(opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    return redirect("moment", opened.id, moment_id)


def _refused(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID, error: machine.MomentError) -> HttpResponse:
    """The machine said no: show the moment as it is now, with what was typed."""
    _glance(opened, moment_id)
    form = forms.AnswerForm(request.POST) if "text" in request.POST else None
    return _moment_page(request, opened, moment_id, form=form, problem=error.code, status=409)


@in_bond
@require_POST
def share(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """Share my answer."""
    form = forms.AnswerForm(request.POST)
    if not form.is_valid():
        return _moment_page(request, opened, moment_id, form=form, status=422)
    data = form.cleaned_data
    try:
        services.answer_share(
            opened,
            moment_id,
            data["text"],
            rule=data["rule"],
            told=not data["hush"],
            advice_welcome=data["advice"],
            let_see=data["let_see"],
        )
    except machine.MomentError as error:
        return _refused(request, opened, moment_id, error)
    forget_kept(request)
    return _back(opened, moment_id)


@in_bond
@require_POST
def draft(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """Save what I am writing, for me alone. The page's script asks every second or so; a button does the same."""
    try:
        text = forms.clean_text(request.POST.get("text", ""))
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"saved": False, "say": error.messages[0]}, status=422)
        return _moment_page(request, opened, moment_id, form=forms.AnswerForm(request.POST), status=422)
    row = Moment.objects.filter(pk=moment_id, bond_id=opened.id, epoch__gte=opened.first_epoch).first()
    if row is None:
        raise Http404
    services.draft_write(opened, row, text)
    forget_kept(request)
    return saved(request, text) if wants_json(request) else _back(opened, moment_id)


@in_bond
@require_POST
def let_pass(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """Not this one, for me. Nobody is told."""
    row = Moment.objects.filter(pk=moment_id, bond_id=opened.id, epoch__gte=opened.first_epoch).first()
    if row is None:
        raise Http404
    services.draft_pass(opened, row)
    return redirect("prompt", opened.id) if "another" in request.POST else redirect("today", opened.id)


def _verb(make: Callable[[str, HttpRequest], machine.Event]) -> Callable[..., HttpResponse]:
    """A view for an act that is a verb alone."""

    @in_bond
    @require_POST
    def view(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
        try:
            services.answer_event(opened, moment_id, make(str(opened.me.id), request))
        except machine.MomentError as error:
            return _refused(request, opened, moment_id, error)
        except ValueError:
            return _moment_page(request, opened, moment_id, problem="bad-event", status=422)
        return _back(opened, moment_id)

    return view


release = _verb(lambda me, _request: machine.Event.released(me))
take_part = _verb(lambda me, _request: machine.Event.taking_part(me))
step_out = _verb(lambda me, _request: machine.Event.stepped_out(me))
rule = _verb(lambda me, request: machine.Event.rule_changed(me, machine.Rule(request.POST.get("rule", ""))))
told = _verb(lambda me, request: machine.Event.told_changed(me, request.POST.get("told") == "yes"))
let_see = _verb(lambda me, request: machine.Event.let_others_see(me, request.POST.get("let_see") == "yes"))
respond = _verb(
    lambda me, request: machine.Event.responded(
        me, request.POST.get("to", "") or "-", machine.Choice(request.POST.get("choice", ""))
    )
)


@in_bond
@require_POST
def withdraw(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """Take my answer back."""
    try:
        services.answer_withdraw(opened, moment_id)
    except machine.MomentError as error:
        return _refused(request, opened, moment_id, error)
    return _back(opened, moment_id)


@in_bond
@require_POST
def say(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """Words beneath an answer."""
    form = forms.SayForm(request.POST)
    if not form.is_valid():
        return _moment_page(request, opened, moment_id, say_form=form, status=422)
    try:
        services.words_say(
            opened,
            moment_id,
            request.POST.get("to", "") or "-",
            form.cleaned_data["text"],
            advice=form.cleaned_data["advice"],
        )
    except machine.MomentError as error:
        return _moment_page(request, opened, moment_id, say_form=form, problem=error.code, status=409)
    forget_kept(request)
    return _back(opened, moment_id)


@in_bond
@require_POST
def unsay(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    """Take words of mine back."""
    try:
        services.words_unsay(opened, moment_id, item_id)
    except machine.MomentError:
        raise Http404 from None
    return _back(opened, moment_id)


@in_bond
@require_POST
def changed(request: HttpRequest, opened: OpenBond, moment_id: uuid.UUID) -> HttpResponse:
    """What changed since I answered."""
    form = forms.SayForm(request.POST)
    if not form.is_valid():
        return _moment_page(request, opened, moment_id, say_form=form, status=422)
    try:
        services.change_note(opened, moment_id, form.cleaned_data["text"])
    except machine.MomentError as error:
        return _moment_page(request, opened, moment_id, say_form=form, problem=error.code, status=409)
    return _back(opened, moment_id)


# -- choosing a prompt --------------------------------------------------------------------------------------------------


@in_bond
@require_http_methods(["GET", "POST"])
def prompt(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """A prompt to open, or another one, or none of this kind. Choosing is private until one is opened."""
    action = request.POST.get("do", "") if request.method == "POST" else ""
    if action == "open":
        return _open_offered(request, opened)
    if action in {"another", "not-kind", "offer"}:
        deck.offer_next(opened, skip=action == "another", avoid=action == "not-kind")
        return redirect("prompt", opened.id)
    offer = deck.offered(opened)
    context = {
        "bond": opened,
        "offer": offer,
        "theme": deck.theme_label(offer) if offer else "",
        "own": queries.own_prompts(opened)[:3],
        "asked": deck.was_asked(opened),
        "lighter": "lighter" in request.GET,
    }
    return render(request, "moments/prompt.html", context)


def _open_offered(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    offer = deck.offered(opened)
    if offer is None or offer.id != request.POST.get("prompt"):
        return redirect("prompt", opened.id)
    try:
        return _back(opened, deck.open_offer(opened, offer).id)
    except services.TooDeep:
        deck.offer_next(opened)
        return redirect(f"{reverse('prompt', args=[opened.id])}?lighter")


@in_bond
@require_http_methods(["GET", "POST"])
def depth(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """My private yes to a depth, what to leave out, and what holds for us just now."""
    mine = deck.my_wishes(opened)
    form = forms.WishesForm(
        request.POST if request.method == "POST" else None,
        themes=deck.themes(),
        levels=deck.levels(opened),
        times=deck.times(opened.bond.kind),
        initial={"level": mine["level"], "avoid": mine["not"], "now": mine.get("now", [])},
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        services.wishes_write(opened, level=said["level"], avoid=said["avoid"], now=said["now"])
        return redirect("today", opened.id)
    context = {"bond": opened, "form": form, "levels": deck.levels(opened), "mine": mine}
    return render(request, "moments/depth.html", context, status=422 if form.errors else 200)


@in_bond
@require_http_methods(["GET", "POST"])
def prompts(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """Prompts that we wrote ourselves."""
    form = forms.OwnPromptForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        services.own_prompt_write(opened, form.cleaned_data["text"])
        return redirect("prompts", opened.id)
    context = {"bond": opened, "form": form, "own": queries.own_prompts(opened)}
    return render(request, "moments/prompts.html", context, status=422 if form.errors else 200)


@in_bond
@require_POST
def prompt_open(request: HttpRequest, opened: OpenBond, prompt_id: uuid.UUID) -> HttpResponse:
    """Open one of our own prompts."""
    row = OwnPrompt.objects.filter(pk=prompt_id, bond_id=opened.id).first()
    if row is None:
        raise Http404
    made = services.moment_open(opened, deck.own_card(row))
    return _back(opened, made.id)


@in_bond
@require_POST
def prompt_delete(request: HttpRequest, opened: OpenBond, prompt_id: uuid.UUID) -> HttpResponse:
    """Take back a prompt I wrote. Moments it opened say so in its place."""
    if not services.own_prompt_delete(opened, prompt_id):
        raise Http404
    return redirect("prompts", opened.id)


# -- the thread ---------------------------------------------------------------------------------------------------------


def _month(value: str) -> date | None:
    try:
        month = date.fromisoformat(f"{value}-01") if value else None
    except ValueError:
        raise Http404 from None
    if month is not None and not 1900 <= month.year <= 9000:
        raise Http404  # the ends of the calendar have no time zones
    return month


@in_bond
@require_GET
def thread(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """What was opened, by month."""
    zone = zone_of(request)
    raw = request.GET.get("page", "1")
    if not raw.isdecimal() or not 1 <= int(raw) <= 100_000:
        raise Http404
    number, first = int(raw), _month(request.GET.get("month", ""))
    found, more = queries.month_page(opened, zone, first, number)
    context = {
        "bond": opened,
        "months": found,
        "all_months": queries.months(opened, zone),
        "month": first,
        "page_number": number,
        "more": more,
        "zone": zone,
        "form": forms.SearchForm(),
    }
    return render(request, "moments/thread.html", context)


@in_bond
@require_POST
def search(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """Search in memory; the words come by POST, so that they stand in no address and no log."""
    form = forms.SearchForm(request.POST)
    found = queries.search(opened, form.cleaned_data["words"]) if form.is_valid() else []
    context = {"bond": opened, "form": form, "found": found, "zone": zone_of(request)}
    return render(request, "moments/search.html", context, status=422 if form.errors else 200)
