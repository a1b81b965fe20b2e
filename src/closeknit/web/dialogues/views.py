"""The Talk room: choosing a script, the private check, and a dialogue from asking to afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit.method import dialogue as machine
from closeknit.method.dialogue import Event, State, Verb
from closeknit.method.dialogue.errors import NotOver
from closeknit.method.scripts import Act, Script, Way
from closeknit.web import clock
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.bonds.room import forget_kept, in_bond, kept_text, zone_of
from closeknit.web.bonds.texts import clean_text
from closeknit.web.coach.views import saved
from closeknit.web.members.keys import keys_of
from closeknit.web.members.pages import wants_json

from . import forms, gate, library, queries, services
from .calendar import calendar_file

#: What a rating of "safe" makes the next check be asked again.
UNSAFE = 3
SCRATCH_MOST = 1_000
#: Acts that are a tap alone.
TAPS = frozenset(
    {
        Verb.DONE,
        Verb.PASSED,
        Verb.SWAPPED,
        Verb.SKIPPED,
        Verb.FLOOR_ASKED,
        Verb.SLOWER,
        Verb.LET_REST,
        Verb.REPHRASED,
    }
)
TEXTS = frozenset({Verb.SAID, Verb.REFLECTED, Verb.ADDED, Verb.VALIDATED, Verb.EMPATHISED, Verb.CONFIRMED})


# -- the room -----------------------------------------------------------------------------------------------------------


@in_bond
@require_GET
def talk(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """What is under way, and what there is to choose."""
    _let_go_what_is_due(opened)
    shown = queries.talk(opened)
    services.tidy(shown.run_out)
    context = {"bond": opened, "talk": shown, "zone": zone_of(request), "drawn": services.bonds.live_version()}
    template = "dialogues/_talk.html" if request.headers.get("X-Poke") else "dialogues/talk.html"
    return render(request, template, context)


def _let_go_what_is_due(opened: OpenBond) -> None:
    late = clock.now() - services.KEEP_BY
    rows = list(services.dialogues_of(opened).filter(over_at__lte=late, over_at__gte=late - timedelta(days=60))[:10])
    for one in services.told_of(opened, rows):
        services.let_go_if_due(opened, one)


@in_bond
@require_GET
def history(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """What we talked about and agreed."""
    raw = request.GET.get("page", "1")
    if not raw.isdecimal() or not 1 <= int(raw) <= 10_000:
        raise Http404
    found, more = queries.history(opened, int(raw))
    context = {"bond": opened, "past": found, "more": more, "page_number": int(raw), "zone": zone_of(request)}
    return render(request, "dialogues/history.html", context)


# -- the private check ----------------------------------------------------------------------------------------------------


def _next(request: HttpRequest, opened: OpenBond) -> str:
    path = request.POST.get("next") or request.GET.get("next") or ""
    inside = f"/b/{opened.id}/"
    if url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith(inside):
        return path
    return reverse("talk", args=[opened.id])


@in_bond
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, opened: OpenBond) -> HttpResponse:
    """Four questions, for me alone. What others see is the same, whatever I answer."""
    back = _next(request, opened)
    form = forms.CheckForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        answers = form.answers()
        if gate.work_out(opened, answers):
            return redirect(back)
        return render(request, "dialogues/not_now_for_me.html", {"bond": opened})
    context = {"bond": opened, "form": form, "next": back}
    return render(request, "dialogues/check.html", context, status=422 if form.errors else 200)


# -- asking -----------------------------------------------------------------------------------------------------------


def _script(opened: OpenBond, mark: str) -> Script:
    for script in library.scripts_for(opened):
        if library.mark(opened, script) == mark:
            return script
    raise Http404


@in_bond
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, opened: OpenBond, mark: str) -> HttpResponse:
    """What a script is for, how long, how hard; then whom to ask, and when."""
    script = _script(opened, mark)
    later = script.later_because is not None and services.ended_before(opened)[0] < 2
    if script.gate and gate.is_due(opened) and not later:
        return redirect(f"{reverse('talk-check', args=[opened.id])}?next={request.path}")
    form = forms.StartForm(
        request.POST if request.method == "POST" else None, opened=opened, script=script, zone=zone_of(request)
    )
    if request.method == "POST" and not later and opened.others and form.is_valid():
        data = form.cleaned_data
        row = services.dialogue_ask(
            opened,
            script,
            members=form.members(),
            on_one=data["device"] == "one",
            length=data.get("length") or 0,
            topic=data.get("topic", ""),
            when=data["when"],
        )
        return redirect("dialogue", opened.id, row.id)
    context = {"bond": opened, "script": script, "form": form, "later": later}
    return render(request, "dialogues/start.html", context, status=422 if form.errors else 200)


# -- one dialogue -------------------------------------------------------------------------------------------------------


@in_bond
@require_GET
def dialogue(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """One dialogue, as it stands for me."""
    return _page(request, opened, dialogue_id)


def _page(
    request: HttpRequest,
    opened: OpenBond,
    dialogue_id: uuid.UUID,
    *,
    form: Any = None,
    problem: str = "",
    heat: str = "",
    extra: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    one = services.told(opened, dialogue_id, left_too=request.method == "GET")
    if one.left:
        return _left(request, opened, one)
    if services.come_by(opened, one) or services.let_go_if_due(opened, one):
        one = services.told(opened, dialogue_id)
    services.tidy([one])
    keys = keys_of(request)
    if keys.is_held:
        keys.hold(services.hold_until(one.state) if one.state is not None else 0)
    if one.gone is not None:
        context = {"bond": opened, "told": one, "line": services.own_read(opened, dialogue_id).get("line", "")}
        return render(request, "dialogues/gone.html", context)
    raw = request.GET.get("step", "") or request.POST.get("step", "")
    page = queries.page_of(opened, one, unveiled=int(raw) if raw.isdecimal() else -1)
    path = reverse("dialogue", args=[opened.id, dialogue_id])
    kept = kept_text(request, path) if page.composes else ""
    context = {
        "bond": opened,
        "page": page,
        "form": form or _form(page, kept),
        "was_kept": bool(kept),
        "problem": problem,
        "typed": _typed(request) if problem or (form is not None and not page.composes) else "",
        "heat": heat,
        "zone": zone_of(request),
        "held_until": keys.held_until if keys.is_held else 0,
        "query": f"?step={page.view.step}" if page.hand and not page.curtain else "",
        **_after(page),
        **(extra or {}),
    }
    template = "dialogues/_dialogue.html" if request.headers.get("X-Poke") else "dialogues/dialogue.html"
    return render(request, template, context, status=status)


def _left(request: HttpRequest, opened: OpenBond, one: services.Told) -> HttpResponse:
    """For whoever went while the others stayed: their own words, to read and to take back."""
    mine = [said for said in queries.shown_of(opened, one).said if said.item is not None]
    return render(request, "dialogues/left.html", {"bond": opened, "told": one, "mine": mine})


def _typed(request: HttpRequest) -> str:
    """What was typed into the form that was sent, in lines: offered back wherever it could not be taken."""
    fields = [request.POST[name] for name in request.POST if name == "text" or name.startswith("f-")]
    return "\n".join(value for value in fields if value.strip())


def _form(page: queries.Page, kept: str) -> Any:
    if page.face == "asked":
        return forms.ReadyForm()
    if page.act == Act.BUILD.value:
        return forms.FieldsForm(stage=page.view.stage)
    return forms.TurnForm(initial={"text": kept or ("" if page.hand else page.own.get("draft", ""))})


def _after(page: queries.Page) -> dict[str, Any]:
    if page.face != "over":
        return {}
    pulse = page.own.get("pulse", {})
    return {
        "after_form": forms.AfterForm(initial={**pulse, "line": page.own.get("line", "")}),
        "agree_form": forms.AgreeForm(),
        "rated": bool(pulse or page.own.get("line")),
        "look_at_care": pulse.get("safe") is not None and pulse["safe"] <= UNSAFE,
    }


def _back(opened: OpenBond, dialogue_id: uuid.UUID, state: State | None = None, actor: str = "") -> HttpResponse:
    """To the page; where one device is passed round and the same person goes on, without the curtain."""
    path = reverse("dialogue", args=[opened.id, dialogue_id])
    if state is not None and state.on_one and actor in state.acting:
        path += f"?step={state.step}"
    return redirect(path)


View = Callable[[HttpRequest, OpenBond, uuid.UUID], HttpResponse]


def _acts(view: View) -> Callable[..., HttpResponse]:
    """A view for one act: what the machine refuses shows the dialogue as it stands now, with what was typed."""

    @in_bond
    @require_POST
    def inner(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
        try:
            return view(request, opened, dialogue_id)
        except machine.DialogueError as error:
            return _page(request, opened, dialogue_id, problem=error.code, status=409)

    return inner


def _step(request: HttpRequest) -> int:
    raw = request.POST.get("step", "")
    return int(raw) if raw.isdecimal() and len(raw) < 9 else -1


def _actor(request: HttpRequest, opened: OpenBond) -> tuple[str, str]:
    """(who acts, on whose device): on one that is passed round its owner's session brings everyone's turns."""
    me, who = str(opened.me.id), request.POST.get("as", "")
    return (who, me) if who and who != me else (me, "")


@_acts
def accept(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Yes to an invitation, after the private check where there is one."""
    one = services.told(opened, dialogue_id)
    if one.script.gate and gate.is_due(opened):
        path = reverse("dialogue", args=[opened.id, dialogue_id])
        return redirect(f"{reverse('talk-check', args=[opened.id])}?next={path}")
    services.accept(opened, dialogue_id)
    services.own_write(opened, dialogue_id, not_now=False)
    return _back(opened, dialogue_id)


@_acts
def not_now(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Lay it aside, for me alone. To the others it is silence."""
    services.told(opened, dialogue_id)
    services.own_write(opened, dialogue_id, not_now=True)
    return redirect("talk", opened.id)


@_acts
def ready(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """I am here. Whoever is worked up is offered calming first."""
    form = forms.ReadyForm(request.POST)
    if not form.is_valid():
        return _page(request, opened, dialogue_id, form=form, status=422)
    heat, one = form.cleaned_data["heat"], services.told(opened, dialogue_id)
    if heat is not None and not form.cleaned_data["anyway"]:
        loops = gate.has_loop(one.script)
        advice = gate.heat_advice(heat, loops=loops, loops_before=services.ended_before(opened)[1])
        if advice is not gate.Heat.GO:
            services.own_write(opened, dialogue_id, heat=heat)
            return _page(request, opened, dialogue_id, form=form, heat=advice.value)
    who, hand = _actor(request, opened)
    event = Event(verb=Verb.READY, by=who, hand=hand, at=services.second(), notes=form.cleaned_data["notes"])
    services.act(opened, dialogue_id, lambda _state: event)
    if not hand:
        services.own_write(opened, dialogue_id, heat=heat, not_now=False)
    return _back(opened, dialogue_id)


@_acts
def begin(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """In a circle: begin with those who are here."""
    services.begin_now(opened, dialogue_id)
    return _back(opened, dialogue_id)


@_acts
def come_in(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """In a circle: come in late."""
    services.act(
        opened, dialogue_id, lambda _s: Event(verb=Verb.CAME_IN, by=str(opened.me.id), at=services.second())
    )
    return _back(opened, dialogue_id)


@_acts
def do(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """One act of the running dialogue: words, a tap, or a choice."""
    try:
        verb = Verb(request.POST.get("verb", ""))
    except ValueError:
        raise Http404 from None
    who, hand = _actor(request, opened)
    fields: dict[str, Any] = {"verb": verb, "by": who, "hand": hand, "step": _step(request)}
    words: dict[str, Any] | None = None
    if verb in TEXTS:
        fields["item"] = ""
        made = _turn(request, opened, dialogue_id, verb)
        if isinstance(made, HttpResponse):
            return made
        words = made
    elif verb is Verb.JUDGED:
        form = forms.JudgeForm(request.POST)
        if not form.is_valid():
            problem = "judge" if "verdict" in form.errors else "long"
            return _page(request, opened, dialogue_id, form=form, problem=problem, status=422)
        text = form.cleaned_data["text"] if form.cleaned_data["verdict"] is machine.Verdict.PARTLY else ""
        words = {"text": text} if text else None
        fields |= {"verdict": form.cleaned_data["verdict"], "item": ""}
    elif verb is Verb.MORE:
        fields["more"] = request.POST.get("more") == "yes"
    elif verb is Verb.RESPONDED:
        respond = forms.RespondForm(request.POST)
        if not respond.is_valid():
            return _page(request, opened, dialogue_id, problem="choose", status=422)
        fields["choice"] = respond.cleaned_data["choice"]
    elif verb is Verb.CHOSE:
        fields["option"] = request.POST.get("option", "")[:40]
    elif verb not in TAPS:
        raise Http404
    event = Event(at=services.second(), **fields)
    state = services.act(opened, dialogue_id, lambda _state: event, words)
    forget_kept(request)
    return _back(opened, dialogue_id, state, who)


def _turn(
    request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID, verb: Verb
) -> dict[str, Any] | HttpResponse | None:
    """The words of a turn: typed, a note to what was said aloud, none; or the page with what to mend."""
    state = services.told(opened, dialogue_id).the_state
    way = Way.SPOKEN if request.POST.get("how") == "spoken" else Way.TYPED
    if verb is not Verb.CONFIRMED and way not in state.script.ways:
        raise Http404
    running = bool(state.order) and state.phase not in machine.OVER
    if running and state.the_stage.act is Act.BUILD and verb is Verb.SAID:
        if request.POST.get("how") == "spoken":
            return None
        built = forms.FieldsForm(request.POST, stage=state.the_stage)
        return built.words() if built.is_valid() else _page(request, opened, dialogue_id, form=built, status=422)
    spoken = request.POST.get("how") == "spoken" or (verb is Verb.CONFIRMED and not request.POST.get("text", "").strip())
    if spoken and not state.notes:
        return None  # what is said aloud leaves no words, unless all agreed to a line
    loop = running and state.the_stage.act is Act.LOOP
    most = forms.MOST_IN_A_LINE if spoken else forms.turn_limit(loop)
    form = forms.TurnForm(request.POST, most=most, needed=not spoken)
    if not form.is_valid():
        return _page(request, opened, dialogue_id, form=form, status=422)
    text = form.cleaned_data["text"]
    if not spoken:
        return {"text": text}
    return {"text": text, "note": True} if text else None


@_acts
def wish(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Deeper, stay or finish: mine alone, the most careful one rules."""
    try:
        chosen = machine.Wish(request.POST.get("wish", ""))
    except ValueError:
        return _page(request, opened, dialogue_id, problem="choose", status=422)
    services.wish(opened, dialogue_id, _step(request), chosen)
    return _back(opened, dialogue_id)


@_acts
def rest(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """A pause, a time-out with a promise to return, a little longer, or: go on."""
    who, hand = _actor(request, opened)
    now, what = services.second(), request.POST.get("what", "")
    verbs = {"pause": Verb.PAUSED, "away": Verb.AWAY, "longer": Verb.EXTENDED, "on": Verb.RESUMED}
    if what not in verbs:
        raise Http404
    fields: dict[str, Any] = {"step": _step(request)} if verbs[what] is Verb.RESUMED else {}
    if verbs[what] in {Verb.AWAY, Verb.EXTENDED}:
        raw = request.POST.get("minutes", "30")
        minutes = int(raw) if raw.isdecimal() and len(raw) < 5 else 30
        # Half an hour more than a day is a day.
        most = machine.LONGEST_AWAY if verbs[what] is Verb.EXTENDED else 60 * minutes
        fields["back_at"] = now + min(60 * minutes, most)
    elif verbs[what] is Verb.RESUMED:
        # A yes counts for the rest that its page showed, never for a later one.
        fields["step"] = _step(request)
    event = Event(verb=verbs[what], by=who, hand=hand, at=now, **fields)
    services.act(opened, dialogue_id, lambda _state: event)
    return _back(opened, dialogue_id)


@_acts
def end(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Stop for good; no reason. Before it began: take the question back."""
    who, hand = _actor(request, opened)
    event = Event(verb=Verb.ENDED, by=who, hand=hand, at=services.second())
    state = services.act(opened, dialogue_id, lambda _state: event)
    return _back(opened, dialogue_id) if state.order else redirect("talk", opened.id)


@_acts
def leave(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """In a circle: go, and let the others go on."""
    me = str(opened.me.id)
    state = services.act(opened, dialogue_id, lambda _s: Event(verb=Verb.LEFT, by=me, at=services.second()))
    return _back(opened, dialogue_id) if me in state.order else redirect("talk", opened.id)


@_acts
def own(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Save what I am writing, or my scratch line: for me alone. The page's script asks every second or so."""
    services.told(opened, dialogue_id)
    field = "scratch" if request.POST.get("field") == "scratch" or "scratch" in request.GET else "draft"
    try:
        text = clean_text(request.POST.get("text", ""))
    except ValidationError as error:
        if wants_json(request):
            return JsonResponse({"saved": False, "say": error.messages[0]}, status=422)
        return _page(request, opened, dialogue_id, form=forms.TurnForm(request.POST), status=422)
    services.own_write(opened, dialogue_id, **{field: text[:SCRATCH_MOST] if field == "scratch" else text})
    forget_kept(request)
    return saved(request, text) if wants_json(request) else _back(opened, dialogue_id)


@_acts
def hold(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Let this session stay open while a stage is running, though nobody types; or lock as usual. Nobody else sees it."""
    state = services.told(opened, dialogue_id).the_state
    keys_of(request).hold(services.hold_until(state) if request.POST.get("hold") == "yes" else 0)
    return _back(opened, dialogue_id)


# -- afterwards -----------------------------------------------------------------------------------------------------------


@_acts
def after(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """How it was for me. Somebody who did not feel safe is asked the check again before the next one."""
    if services.told(opened, dialogue_id).the_state.phase not in machine.OVER:
        raise NotOver
    form = forms.AfterForm(request.POST)
    if not form.is_valid():
        return _page(request, opened, dialogue_id, extra={"after_form": form}, status=422)
    data = form.cleaned_data
    pulse = {name: data[name] for name in forms.RATINGS if data[name] is not None}
    services.own_write(opened, dialogue_id, pulse=pulse, line=data["line"])
    if pulse.get("safe") is not None and pulse["safe"] <= UNSAFE:
        gate.write(opened, passed=False)
    return _back(opened, dialogue_id)


@_acts
def agree(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """A small agreement, for all who were in it."""
    form = forms.AgreeForm(request.POST)
    if not form.is_valid():
        return _page(request, opened, dialogue_id, extra={"agree_form": form}, status=422)
    days = form.cleaned_data["back"]
    services.agree(opened, dialogue_id, form.cleaned_data["text"], timedelta(days=days) if days else None)
    return _back(opened, dialogue_id)


@_acts
def keep(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """Keep what was typed, or let it go: kept only if all keep."""
    choice = request.POST.get("keep", "")
    if choice not in {"yes", "no"}:
        return _page(request, opened, dialogue_id, problem="choose", status=422)
    services.keep(opened, dialogue_id, choice == "yes")
    return _back(opened, dialogue_id)


@in_bond
@require_POST
def take_back(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    """Take words of mine back."""
    try:
        services.take_back(opened, dialogue_id, item_id)
    except machine.DialogueError:
        raise Http404 from None
    return _back(opened, dialogue_id)


@in_bond
@require_GET
def calendar(request: HttpRequest, opened: OpenBond, dialogue_id: uuid.UUID) -> HttpResponse:
    """The time that was thought of, as a file for a calendar. It names nobody and nothing."""
    one = services.told(opened, dialogue_id)
    when = one.card.get("when", "")
    if not when:
        raise Http404
    response = HttpResponse(calendar_file(one.row.id, when, one.script.minutes[1]), content_type="text/calendar")
    response["Content-Disposition"] = 'attachment; filename="time-together.ics"'
    return response
