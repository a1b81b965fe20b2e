"""The forms of the Talk room."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from closeknit.method.dialogue import Choice, Verdict
from closeknit.method.gate import Answer, Question
from closeknit.method.scripts import MOST_CHARACTERS, Script
from closeknit.web import clock
from closeknit.web.bonds.opened import OpenBond
from closeknit.web.bonds.texts import TextField, clean_text
from closeknit.web.members.forms import clean_line

#: A turn is one thing; what is not a turn of the loop may be longer.
MOST_IN_A_TURN = 2_000
MOST_IN_A_LINE = 200
RATINGS = ("understood", "heard", "accepted", "safe")
_ANSWERS = [
    (Answer.NO.value, _("No")),
    (Answer.SOMETIMES.value, _("Sometimes")),
    (Answer.YES.value, _("Yes")),
    (Answer.RATHER_NOT.value, _("I'd rather not say")),
]
_PLAIN = [one for one in _ANSWERS if one[0] != Answer.SOMETIMES.value]


class CheckForm(forms.Form):
    """The private check. Its answers are worked out in the request that brings them, and kept nowhere."""

    afraid = forms.ChoiceField(
        label=_("Are you ever afraid of how someone in this bond may react?"), choices=_ANSWERS, widget=forms.RadioSelect
    )
    hurt = forms.ChoiceField(
        label=_(
            "In the past year, did someone here hurt you, threaten you, force you, or control your money, phone or friends?"
        ),
        choices=_ANSWERS,
        widget=forms.RadioSelect,
    )
    free = forms.ChoiceField(label=_("Do you feel free to say no to this?"), choices=_PLAIN, widget=forms.RadioSelect)
    shown = forms.ChoiceField(
        label=_("Could someone here be made to show this screen to another?"), choices=_ANSWERS, widget=forms.RadioSelect
    )

    def answers(self) -> dict[Question, Answer]:
        """What was answered."""
        return {question: Answer(self.cleaned_data[question.value]) for question in Question}


class StartForm(forms.Form):
    """Who, what about, when, and on which device."""

    people = forms.MultipleChoiceField(label=_("With whom"), widget=forms.CheckboxSelectMultiple)
    topic = forms.CharField(
        required=False, max_length=MOST_IN_A_LINE, widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})
    )
    length = forms.TypedChoiceField(
        label=_("How long"),
        coerce=int,
        required=False,
        empty_value=0,
        choices=[(0, _("A short one")), (1, _("A middling one")), (2, _("A long one"))],
        widget=forms.RadioSelect,
        initial=0,
    )
    device = forms.ChoiceField(
        label=_("On which device"),
        choices=[
            ("each", _("Each on their own")),
            ("one", _("On this one, passed round")),
        ],
        widget=forms.RadioSelect,
        initial="each",
    )
    when = forms.CharField(
        label=_("When"),
        required=False,
        help_text=_("Leave it empty for now. In your own time zone."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    def __init__(self, *args: Any, opened: OpenBond, script: Script, zone: ZoneInfo, **kwargs: Any) -> None:
        self.opened, self.script, self.zone = opened, script, zone
        super().__init__(*args, **kwargs)
        people = [(str(person.id), person.name) for person in opened.others]
        self.fields["people"].choices = people  # type: ignore[attr-defined]
        if len(people) == 1:
            del self.fields["people"]
        if script.topic is None:
            del self.fields["topic"]
        else:
            self.fields["topic"].label = script.topic
        if not script.has_cards:
            del self.fields["length"]

    def members(self) -> list[uuid.UUID]:
        """Who is asked, besides me."""
        chosen = self.cleaned_data.get("people")
        return [uuid.UUID(one) for one in chosen] if chosen else [person.id for person in self.opened.others]

    def clean_people(self) -> list[str]:
        people: list[str] = self.cleaned_data["people"]
        fewest, most = self.script.members
        if len(people) + 1 > most:
            raise ValidationError(
                ngettext(
                    "This is for at most %(most)d person. Choose fewer.",
                    "This is for at most %(most)d people, you included. Choose fewer.",
                    most,
                )
                % {"most": most}
            )
        if len(people) + 1 < fewest:
            raise ValidationError(
                ngettext(
                    "This needs at least %(fewest)d person.",
                    "This needs at least %(fewest)d people, you included.",
                    fewest,
                )
                % {"fewest": fewest}
            )
        return people

    def clean_topic(self) -> str:
        return clean_line(clean_text(self.cleaned_data["topic"]))

    def clean_when(self) -> datetime | None:
        typed = self.cleaned_data["when"].strip()
        if not typed:
            return None
        try:
            when = datetime.fromisoformat(typed)
        except ValueError:
            raise ValidationError(_g("Type a day and a time, such as 2027-03-14 20:30.")) from None
        when = when.replace(tzinfo=self.zone) if when.tzinfo is None else when
        ahead = (when - clock.now()).total_seconds()
        if ahead < -300:
            raise ValidationError(_g("That time is over. Choose one that comes, or leave it empty for now."))
        if ahead > 60 * 86400:
            raise ValidationError(_g("Choose a time within the next two months."))
        return when


class ReadyForm(forms.Form):
    """I am here: how worked up I am, for me alone; and whether spoken turns may have a line."""

    heat = forms.TypedChoiceField(
        label=_("How worked up are you right now?"),
        help_text=_("Only you see this. 0 is calm, 10 is boiling. Leave it out if you like."),
        coerce=int,
        required=False,
        empty_value=None,
        choices=[("", "–"), *((n, str(n)) for n in range(11))],
    )
    notes = forms.BooleanField(
        required=False,
        label=_("Spoken turns may have a one-line note"),
        help_text=_("Only if all of you say so. Otherwise nothing of what is said aloud is kept."),
    )
    anyway = forms.BooleanField(required=False, widget=forms.HiddenInput)


class TurnForm(forms.Form):
    """Words of whoever has the floor."""

    text = TextField(label=_("Your words"), rows=5)

    def __init__(self, *args: Any, most: int = MOST_IN_A_TURN, needed: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = most
        self.fields["text"].required = needed

    def clean_text(self) -> str:
        return not_longer(self.cleaned_data["text"], self.most)


def not_longer(text: str, most: int) -> str:
    """The text, if one turn holds it. A browser's own limit would cut what is pasted without a word."""
    if len(text) > most:
        raise ValidationError(
            _g("That is %(over)d characters more than one turn holds (%(most)d). Say one thing now; the rest can follow.")
            % {"over": len(text) - most, "most": most}
        )
    return text


def turn_limit(loop: bool) -> int:
    """How many characters a turn may have."""
    return MOST_CHARACTERS if loop else MOST_IN_A_TURN


class FieldsForm(forms.Form):
    """The fields of a `build`, each a few words; at least the first."""

    def __init__(self, *args: Any, stage: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for index, one in enumerate(stage.fields):
            self.fields[f"f-{one.id}"] = TextField(
                label=one.label, help_text=one.hint, rows=2, required=index == 0
            )
        self.labels = {one.id: one.label for one in stage.fields}

    def clean(self) -> dict[str, Any]:
        for name, text in list(self.cleaned_data.items()):
            try:
                not_longer(text, MOST_CHARACTERS)
            except ValidationError as error:
                self.add_error(name, error)
        return self.cleaned_data

    def words(self) -> dict[str, Any]:
        """{"text": all of it in lines, "fields": {id: text}}"""
        found = {key.removeprefix("f-"): value for key, value in self.cleaned_data.items() if value}
        text = "\n".join(f"{self.labels[key]}: {value}" for key, value in found.items())
        return {"text": text, "fields": found}


class JudgeForm(forms.Form):
    """Yes, partly, not yet; with partly, what is missing."""

    verdict = forms.ChoiceField(choices=[(one.value, "") for one in Verdict])
    text = TextField(required=False, rows=2)

    def clean_text(self) -> str:
        return not_longer(self.cleaned_data["text"], MOST_CHARACTERS)

    def clean_verdict(self) -> Verdict:
        return Verdict(self.cleaned_data["verdict"])


class RespondForm(forms.Form):
    """The first response."""

    choice = forms.ChoiceField(choices=[(one.value, "") for one in Choice])

    def clean_choice(self) -> Choice:
        return Choice(self.cleaned_data["choice"])


class AfterForm(forms.Form):
    """How it was, and one line: for me alone."""

    line = forms.CharField(
        required=False,
        max_length=MOST_IN_A_LINE,
        label=_("One line I take with me"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "understood": _("I felt understood"),
            "heard": _("I felt heard"),
            "accepted": _("I felt accepted"),
            "safe": _("I felt safe"),
        }
        for name in RATINGS:
            self.fields[name] = forms.TypedChoiceField(
                label=labels[name],
                coerce=int,
                required=False,
                empty_value=None,
                choices=[("", "–"), *((n, str(n)) for n in range(11))],
            )
        self.order_fields([*RATINGS, "line"])

    def clean_line(self) -> str:
        return clean_line(clean_text(self.cleaned_data["line"]))


class AgreeForm(forms.Form):
    """A small agreement, shared."""

    text = forms.CharField(
        max_length=MOST_IN_A_LINE,
        label=_("One small thing you agreed on"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    back = forms.TypedChoiceField(
        label=_("Come back to it"),
        coerce=int,
        choices=[(0, _("Not by itself")), (7, _("In a week")), (14, _("In two weeks")), (30, _("In a month"))],
        initial=0,
    )

    def clean_text(self) -> str:
        text = clean_line(clean_text(self.cleaned_data["text"]))
        if not text:
            raise ValidationError(_g("Write a few words first."))
        return text
