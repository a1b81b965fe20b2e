"""A sheet as a heading and lines to read, for whoever takes a copy of it along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from closeknit.method.ladder import Came, Ladder, Rung
from closeknit.method.worry import ORDER, Worry

from .forms import HelpForm, PlaceForm, RethinkForm
from .own import PARTS
from .sheets import SheetKind
from .worries import ASKED

#: (what it is about, or empty; the words)
Line = tuple[str, str]


def in_words(kind: str, holds: dict[str, Any]) -> tuple[str, str]:
    """(heading, text) of what a sheet of that kind holds, as its page has it. Raises ValueError for no such kind, KeyError
    and TypeError for what no sheet holds."""
    heading, lines = _MADE[SheetKind(kind)](holds)
    return heading, "\n\n".join(f"{about}\n{words}" if about else words for about, words in lines if words)


def _ladder(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    ladder = Ladder.from_payload(holds)
    return _("Ladder: %(who)s") % {"who": ladder.who}, (_rung(one) for one in (*reversed(ladder.climbing), *ladder.done))


def _rung(one: Rung) -> Line:
    came = {Came.NO: _("no"), Came.PARTLY: _("partly"), Came.YES: _("yes")}
    words = [
        _("What I fear: %(words)s") % {"words": one.fear} if one.fear else "",
        _("What would help: %(words)s") % {"words": one.helps} if one.helps else "",
        " · ".join(part for part in (one.plan.when, one.plan.how, one.plan.words) if part),
    ]
    if one.outcome is not None:
        told = {"came": came[one.outcome.came], "hard": one.outcome.hard}
        words += [one.outcome.happened, _("Did it come? %(came)s. How hard now: %(hard)s of 10.") % told]
    return one.thing, "\n".join(part for part in (_("Hard to say: %(hard)s of 10") % {"hard": one.hard}, *words) if part)


def _worry(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    said = Worry.from_payload(holds).said

    def words(step: Any) -> str:
        one = said[step]
        believed = _("believed %(belief)s of 100") % {"belief": one.belief} if one.belief is not None else ""
        return "\n".join(part for part in (one.text, believed) if part)

    return _("A fear, looked at"), ((str(ASKED[step][0]), words(step)) for step in ORDER if step in said)


def _rethink(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    form, said = RethinkForm(), holds["answers"]
    return _("A disagreement, from outside"), ((str(form.fields[name].label), said.get(name, "")) for name in form.ORDER)


def _me(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    return _("How to be close to me"), ((str(heading), holds.get(name, "")) for name, heading, _about in PARTS)


def _lines(form: Any, field: str, holds: dict[str, Any], named: tuple[str, ...]) -> Iterator[Line]:
    """A list of one's own, by what its lines were sorted under."""
    for value, label in form.fields[field].choices:
        some = [one for one in holds["lines"] if (one[field] or form.fields[field].choices[0][0]) == value]
        yield str(label), "\n".join(" · ".join(one[name] for name in named if one[name]) for one in some)


def _map(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    return _("People and places around me"), _lines(PlaceForm(), "ring", holds, ("name", "how", "why"))


def _helps(holds: dict[str, Any]) -> tuple[str, Iterator[Line]]:
    return _("What does me good"), _lines(HelpForm(), "when", holds, ("text",))


_MADE: dict[SheetKind, Callable[[dict[str, Any]], tuple[str, Iterator[Line]]]] = {
    SheetKind.LADDER: _ladder,
    SheetKind.WORRY: _worry,
    SheetKind.RETHINK: _rethink,
    SheetKind.ME: _me,
    SheetKind.MAP: _map,
    SheetKind.HELPS: _helps,
}
