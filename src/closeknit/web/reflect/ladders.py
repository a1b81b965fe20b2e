"""Ladders: things to tell one person, the hardest last. The other never sees that there is one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from closeknit.method import worry
from closeknit.method.ladder import MOST_RUNGS, Came, Ladder, Outcome, Overwhelms, Plan, Refused, Rung, Stage
from closeknit.web.bonds.room import forget_kept
from closeknit.web.members.keys import keys_of
from closeknit.web.tasks import checkpoint_soon

from . import pictures
from .forms import LadderForm, OutcomeForm, PlanForm, RungForm
from .sheets import SheetKind, TooMany, sheet, sheet_change, sheet_delete, sheet_new, sheets

KIND = SheetKind.LADDER


def _feared(request: HttpRequest) -> dict[str, str]:
    """What a fear that was looked at (`?fear=`, its sheet) brings to a new rung: the thing, and what is feared."""
    try:
        wanted = uuid.UUID(request.GET.get("fear", ""))
    except ValueError:
        return {}
    opened = sheet(keys_of(request).need, request.user, wanted, SheetKind.WORRY)
    if opened is None:
        return {}
    said = worry.Worry.from_payload(opened.holds).said
    found = {"thing": said.get(worry.Step.WISH), "fear": said.get(worry.Step.THOUGHT)}
    texts = {name: one.text for name, one in found.items() if one is not None and one.text}
    if "fear" in texts:
        texts["fear"] = " ".join(texts["fear"].split())  # a line, there
    return {"from": str(wanted)} | texts


def _with_fear(place: str, feared: dict[str, str]) -> str:
    return f"{place}?fear={feared['from']}" if feared else place


@login_required
@require_http_methods(["GET", "POST"])
def ladders(request: HttpRequest) -> HttpResponse:
    """My ladders, and a new one."""
    keyring = keys_of(request).need
    form, feared = LadderForm(request.POST if request.method == "POST" else None), _feared(request)
    if request.method == "POST" and form.is_valid():
        try:
            made = sheet_new(keyring, request.user, KIND, Ladder(form.cleaned_data["who"]).to_payload())
        except TooMany:
            form.add_error("who", _("There are as many sheets here as fit. Throw one away that you no longer need."))
        else:
            forget_kept(request)
            return redirect(_with_fear(reverse("ladder", args=[made]), feared))
    found = [(one.id, Ladder.from_payload(one.holds)) for one in sheets(keyring, request.user, KIND)]
    context = {"form": form, "ladders": found, "feared": feared}
    return render(request, "reflect/ladders.html", context, status=422 if form.errors else 200)


def _read(request: HttpRequest, sheet_id: uuid.UUID) -> Ladder:
    opened = sheet(keys_of(request).need, request.user, sheet_id, KIND)
    if opened is None:
        raise Http404
    return Ladder.from_payload(opened.holds)


def _change(request: HttpRequest, sheet_id: uuid.UUID, change: Any) -> None:
    """Raises Http404, Overwhelms, Refused."""
    try:
        done = sheet_change(
            keys_of(request).need,
            request.user,
            sheet_id,
            KIND,
            lambda holds: change(Ladder.from_payload(holds)).to_payload(),
        )
    except KeyError:
        raise Http404 from None
    if not done:
        raise Http404


@login_required
@require_http_methods(["GET", "POST"])
def ladder(request: HttpRequest, sheet_id: uuid.UUID) -> HttpResponse:
    """One ladder: what may come next, its rungs, a new one, and how it was."""
    one, feared = _read(request, sheet_id), _feared(request)
    form = RungForm(request.POST if request.method == "POST" else None, initial=feared)
    overwhelms = full = False
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        rung = Rung(str(uuid.uuid4()), said["thing"], said["hard"], said["fear"], said["helps"])
        try:
            _change(request, sheet_id, lambda now: now.add(rung, overwhelms=said["overwhelms"]))
        except Overwhelms:
            overwhelms = True
        except Refused:
            full = True
            form.add_error("thing", _("This ladder is full. Take away a rung that you no longer need."))
        else:
            forget_kept(request)
            return redirect("ladder", sheet_id)
    advice, about = one.advice()
    context = {"ladder": one, "sheet_id": sheet_id, "form": form, "overwhelms": overwhelms, "full": full, "feared": feared}
    context |= {"advice": advice.value, "about": about, "chart": pictures.before_and_after(one), "most": MOST_RUNGS}
    return render(request, "reflect/ladder.html", context, status=422 if form.errors or overwhelms else 200)


@login_required
@require_POST
def ladder_do(request: HttpRequest, sheet_id: uuid.UUID) -> HttpResponse:
    """Stop, go on, put the chosen rung back, or throw the ladder away."""
    verb = request.POST.get("do", "")
    if verb == "delete":
        if not sheet_delete(keys_of(request).need, request.user, sheet_id, KIND):
            raise Http404
        checkpoint_soon()
        return redirect("ladders")
    verbs = {"stop": Ladder.stop, "go-on": Ladder.go_on, "back": Ladder.put_back}
    if verb not in verbs:
        _read(request, sheet_id)
        return redirect("ladder", sheet_id)
    _change(request, sheet_id, verbs[verb])
    return redirect("ladder", sheet_id)


@login_required
@require_http_methods(["GET", "POST"])
def rung(request: HttpRequest, sheet_id: uuid.UUID, rung_id: uuid.UUID) -> HttpResponse:
    """One rung: its words, a when and a how, and afterwards what happened."""
    one = _read(request, sheet_id)
    try:
        step = one.rung(str(rung_id))
    except KeyError:
        raise Http404 from None
    verb = request.POST.get("do", "") if request.method == "POST" else ""
    forms = _forms(step, request.POST if verb else None, verb)
    context: dict[str, Any] = {"ladder": one, "sheet_id": sheet_id, "rung": step, "verb": verb, **forms}
    context["told"] = step.stage is Stage.TOLD
    status = 200
    if verb:
        try:
            goes_to = _done(request, sheet_id, step, verb, forms)
        except Overwhelms:
            context["overwhelms"], status, goes_to = True, 422, None
        except Refused:
            # Two pages open, and the other one was quicker: show how it stands.
            return redirect("ladder", sheet_id)
        if goes_to is not None:
            forget_kept(request)
            return goes_to
        status = 422
    context["form"] = next((form for form in forms.values() if form.is_bound and form.errors), None)
    return render(request, "reflect/rung.html", context, status=status)


def _forms(step: Rung, data: Any, verb: str) -> dict[str, Any]:
    plan, after = step.plan, step.outcome
    told: dict[str, Any] = {}
    if after is not None:
        told = {"happened": after.happened, "came": after.came.value, "surprise": after.surprise, "hard": after.hard}
    words = {"thing": step.thing, "hard": step.hard, "fear": step.fear, "helps": step.helps}
    return {
        "words": RungForm(data if verb == "change" else None, initial=words, auto_id="w_%s"),
        "plan": PlanForm(
            data if verb == "choose" else None,
            initial={"when": plan.when, "how": plan.how, "words": plan.words},
            auto_id="p_%s",
        ),
        "outcome": OutcomeForm(data if verb == "tell" else None, initial=told, auto_id="o_%s"),
    }


def _done(request: HttpRequest, sheet_id: uuid.UUID, step: Rung, verb: str, forms: dict[str, Any]) -> HttpResponse | None:
    """Do it, and say where to go; None where the form needs another look."""
    if verb == "remove":
        _change(request, sheet_id, lambda now: now.remove(step.id))
        checkpoint_soon()
        return redirect("ladder", sheet_id)
    form = {"change": forms["words"], "choose": forms["plan"], "tell": forms["outcome"]}.get(verb)
    if form is None:
        return redirect("rung", sheet_id, step.id)
    if not form.is_valid():
        return None
    said = dict(form.cleaned_data)
    if verb == "change":
        _change(request, sheet_id, lambda now: now.change(step.id, **said))
    elif verb == "choose":
        _change(request, sheet_id, lambda now: now.choose(step.id, Plan(**said)))
    else:
        outcome = Outcome(said["happened"], Came(said["came"]), said["hard"], said["surprise"])
        _change(request, sheet_id, lambda now: now.tell(step.id, outcome))
    return redirect("ladder", sheet_id)
