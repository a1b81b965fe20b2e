"""Looking at a fear of opening up, one step a page."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from closeknit.method.worry import ORDER, Refused, Said, Step, Worry
from closeknit.web.bonds.room import forget_kept, kept_text
from closeknit.web.members.keys import keys_of
from closeknit.web.tasks import checkpoint_soon

from .forms import StepForm
from .sheets import SheetKind, TooMany, sheet, sheet_change, sheet_delete, sheet_new, sheets

KIND = SheetKind.WORRY
#: Each step's question and the line below it.
ASKED: dict[Step, tuple[Any, Any]] = {
    Step.WISH: (
        gettext_lazy("What would you like to say, and to whom?"),
        gettext_lazy("In your own words, as roughly as you like. You may leave this empty."),
    ),
    Step.THOUGHT: (
        gettext_lazy("What do you fear will happen if you do?"),
        gettext_lazy("The sentence that comes first, as it sounds inside: he will laugh, she will leave, it will be used."),
    ),
    Step.FOR: (
        gettext_lazy("What speaks for it?"),
        gettext_lazy("Things that happened, with this person. What you suppose may stand there too, marked as that."),
    ),
    Step.AGAINST: (
        gettext_lazy("What speaks against it?"),
        gettext_lazy("Times when it went otherwise. Things they said or did that do not fit the fear."),
    ),
    Step.FRIEND: (
        gettext_lazy("A friend tells you this very fear. What do you say to them?"),
        gettext_lazy("As you would say it aloud, in your kitchen."),
    ),
    Step.VIEW: (
        gettext_lazy("Is there another way to see it, no rosier than it is?"),
        gettext_lazy("A sentence you half believe is worth more than a fine one."),
    ),
    Step.SMALL: (
        gettext_lazy("What is one small step, and when?"),
        gettext_lazy("For example: if we sit down after supper, then I will say the first sentence. It may be tiny."),
    ),
    Step.AFTER: (
        gettext_lazy("What happened?"),
        gettext_lazy("For afterwards, whenever that is. It waits here, and it need not happen."),
    ),
}


@login_required
@require_http_methods(["GET", "POST"])
def worries(request: HttpRequest) -> HttpResponse:
    """What the steps are, those I began, and a new one."""
    keyring = keys_of(request).need
    full = False
    if request.method == "POST":
        try:
            return redirect("worry", sheet_new(keyring, request.user, KIND, Worry({}).to_payload()))
        except TooMany:
            full = True
    found = [(one, Worry.from_payload(one.holds)) for one in sheets(keyring, request.user, KIND)]
    shown = [(one.id, one.at, _called(worry), worry.at is None) for one, worry in found]
    return render(request, "reflect/worries.html", {"worries": shown, "full": full}, status=422 if full else 200)


def _called(worry: Worry) -> str:
    """What a sheet is called in a list: the thought, or the wish, or that it is empty."""
    said = worry.said.get(Step.THOUGHT) or worry.said.get(Step.WISH)
    return said.text if said is not None and said.text else _("Begun, and nothing written yet")


@login_required
@require_http_methods(["GET", "POST"])
def worry(request: HttpRequest, sheet_id: uuid.UUID) -> HttpResponse:
    """One step of one sheet; all that was said, at its end."""
    keyring = keys_of(request).need
    opened = sheet(keyring, request.user, sheet_id, KIND)
    if opened is None:
        raise Http404
    one = Worry.from_payload(opened.holds)
    step = _step(request.POST.get("step", "") or request.GET.get("step", ""), one)
    if step is None:
        return render(request, "reflect/worry_whole.html", _whole(one, sheet_id))
    said = one.said.get(step, Said(""))
    if request.method == "GET":
        kept = kept_text(request, request.path)
        form = StepForm(step=step, initial={"text": kept or said.text, "belief": said.belief})
        return render(request, "reflect/worry.html", _page(one, sheet_id, step, form, kept))
    form = StepForm(request.POST, step=step)
    if not form.is_valid():
        return render(request, "reflect/worry.html", _page(one, sheet_id, step, form), status=422)
    text, belief = form.cleaned_data["text"], form.cleaned_data.get("belief")
    try:
        sheet_change(
            keyring,
            request.user,
            sheet_id,
            KIND,
            lambda holds: Worry.from_payload(holds).answer(step, text, belief).to_payload(),
        )
    except Refused:
        return redirect("worry", sheet_id)
    forget_kept(request)
    return redirect("worry", sheet_id)


def _step(asked: str, one: Worry) -> Step | None:
    """The step that is asked for, where it can be answered; else the next one, where that is not for afterwards."""
    if asked in set(ORDER) and one.is_open(Step(asked)):
        return Step(asked)
    return None if one.is_thought_through else one.at


def _page(one: Worry, sheet_id: uuid.UUID, step: Step, form: StepForm, kept: str = "") -> dict[str, Any]:
    question, hint = ASKED[step]
    number = ORDER.index(step) + 1
    thought = one.said.get(Step.THOUGHT)
    return {
        "form": form,
        "sheet_id": sheet_id,
        "step": step.value,
        "question": question,
        "hint": hint,
        "number": number,
        "count": len(ORDER),
        "before": ORDER[number - 2].value if number > 1 else "",
        "thought": thought.text if thought is not None and step not in {Step.WISH, Step.THOUGHT} else "",
        "was_kept": bool(kept),
    }


def _whole(one: Worry, sheet_id: uuid.UUID) -> dict[str, Any]:
    said = [(step.value, ASKED[step][0], one.said[step]) for step in ORDER if step in one.said]
    beliefs = [belief for _step_, belief in one.beliefs()]
    return {"said": said, "sheet_id": sheet_id, "beliefs": beliefs, "open": one.at is Step.AFTER}


@login_required
@require_POST
def worry_delete(request: HttpRequest, sheet_id: uuid.UUID) -> HttpResponse:
    """Throw one away for good."""
    if not sheet_delete(keys_of(request).need, request.user, sheet_id, KIND):
        raise Http404
    checkpoint_soon()
    return redirect("worries")
