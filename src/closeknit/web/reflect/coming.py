"""Sheets from elsewhere, read as a stranger's until shown otherwise: their form is what a page of Reflect writes, their
words fit the fields that they would have been typed into, and ids of their lines and rungs are left behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from closeknit import vault
from closeknit.method import ladder, worry
from closeknit.method.ladder import Ladder, Plan, Rung
from closeknit.method.worry import Said, Worry
from closeknit.web.bonds.texts import clean_text, is_too_long

from .forms import HelpForm, LadderForm, OutcomeForm, PictureForm, PlaceForm, PlanForm, RethinkForm, RungForm
from .own import PARTS
from .sheets import SheetKind

#: Bytes of what one sheet holds: a sealed row takes 64 KiB, and a little is left for what is known about it.
MOST_BYTES = 64_000


class Strange(Exception):
    """A form that no page of Reflect ever wrote."""


class NoPlace(Exception):
    """The form is right, and there is no place for it here. why: `too-long` or `unclear`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def checked(kind: SheetKind, holds: Any) -> dict[str, Any]:
    """What a sheet of that kind holds, made anew from its words. Raises Strange, NoPlace."""
    try:
        made = _READ[kind](holds)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, ladder.Refused, worry.Refused):
        raise Strange from None
    if len(vault.pack(made)) > MOST_BYTES:
        raise NoPlace("too-long")
    return made


def picture_says(text: Any) -> str:
    """What is on a picture, in its owner's words. Raises Strange, NoPlace."""
    return _taken(PictureForm.base_fields["says"], text)


def _taken(field: forms.Field, text: Any) -> str:
    """A value as that field of a page would have taken it."""
    if not isinstance(text, str):
        raise Strange
    if isinstance(field, forms.ChoiceField):
        if text and text not in dict(field.choices):  # type: ignore[call-overload]
            raise Strange
        cleaned = text
    else:
        try:
            cleaned = clean_text(text)
        except ValidationError:
            raise NoPlace("too-long" if is_too_long(text) else "unclear") from None
    if field.required and not cleaned:
        raise Strange
    most = getattr(field, "max_length", None)
    if most is not None and len(cleaned) > most:
        raise NoPlace("too-long")
    return cleaned


def _fitting(form: type[forms.Form], said: Mapping[str, Any]) -> dict[str, str]:
    return {name: _taken(form.base_fields[name], text) for name, text in said.items()}


def _named(holds: Any, names: set[str]) -> Mapping[str, Any]:
    """A dictionary with these names and no other."""
    if not isinstance(holds, dict) or set(holds) != names:
        raise Strange
    return holds


def _ladder(holds: Any) -> dict[str, Any]:
    found = Ladder.from_payload(holds)
    # Reading is lenient; what it had to bend, no ladder wrote.
    if found.to_payload() != holds:
        raise Strange
    one = found.anew(str(uuid.uuid4()) for _rung in found.rungs)
    who = _fitting(LadderForm, {"who": one.who})["who"]
    return replace(one, who=who, rungs=tuple(_rung(each) for each in one.rungs)).to_payload()


def _rung(one: Rung) -> Rung:
    words = _fitting(RungForm, {"thing": one.thing, "fear": one.fear, "helps": one.helps})
    plan = Plan(**_fitting(PlanForm, {"when": one.plan.when, "how": one.plan.how, "words": one.plan.words}))
    after = one.outcome
    if after is not None:
        after = replace(after, **_fitting(OutcomeForm, {"happened": after.happened}))
    return replace(one, **words, plan=plan, outcome=after)


def _worry(holds: Any) -> dict[str, Any]:
    found = Worry.from_payload(holds)
    if found.to_payload() != holds:
        raise Strange
    # Which step needs words is for the machine to say.
    field = forms.CharField(required=False)
    said = {step: Said(_taken(field, one.text), one.belief) for step, one in found.said.items()}
    return Worry(said).anew().to_payload()


def _rethink(holds: Any) -> dict[str, Any]:
    answers = _named(_named(holds, {"answers"})["answers"], set(RethinkForm.ORDER))
    return {"answers": _fitting(RethinkForm, answers)}


def _me(holds: Any) -> dict[str, Any]:
    # Parts may come to be more: one that was not there yet is as good as empty.
    field = forms.CharField(required=False)
    said = _named(holds, set(holds) & {name for name, _heading, _about in PARTS})
    return {name: _taken(field, text) for name, text in said.items()}


def _lines(form: type[forms.Form]) -> Callable[[Any], dict[str, Any]]:
    def read(holds: Any) -> dict[str, Any]:
        lines = _named(holds, {"lines"})["lines"]
        if not isinstance(lines, list):
            raise Strange
        found = (_named(line, {"id", *form.base_fields}) for line in lines)
        words = (_fitting(form, {name: line[name] for name in form.base_fields}) for line in found)
        return {"lines": [{"id": str(uuid.uuid4()), **one} for one in words]}

    return read


_READ: dict[SheetKind, Callable[[Any], dict[str, Any]]] = {
    SheetKind.LADDER: _ladder,
    SheetKind.WORRY: _worry,
    SheetKind.RETHINK: _rethink,
    SheetKind.ME: _me,
    SheetKind.MAP: _lines(PlaceForm),
    SheetKind.HELPS: _lines(HelpForm),
}
