"""What one writes for oneself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from closeknit.method import ladder, rethink, worry
from closeknit.method.alone import Question
from closeknit.web import content
from closeknit.web.bonds.texts import TextField, clean_text

#: How many feelings and tags an entry may name.
MOST_FEELINGS = 12
MOST_TAGS = 12


def _line(label: Any, help_text: Any = "", *, required: bool = False, most: int = 300) -> forms.CharField:
    """A line of somebody's words."""
    return forms.CharField(
        required=required,
        max_length=most,
        label=label,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": _("Write a word or two first.")},
    )


def _number(label: Any, most: int, help_text: Any = "", *, required: bool = True) -> forms.IntegerField:
    """A whole number from nothing to `most`."""
    wrong = format_lazy(_("Give a whole number from 0 to {most}."), most=most)
    return forms.IntegerField(
        required=required,
        min_value=0,
        max_value=most,
        label=label,
        help_text=help_text,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong),
    )


def _apart(text: str) -> list[str]:
    """Words that commas set apart."""
    return [one for one in (clean_text(part) for part in text.split(",")) if one]


class WordsForm(forms.Form):
    """A form whose lines are cleaned as all words are."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            if type(field) is forms.CharField and isinstance(cleaned.get(name), str):
                cleaned[name] = clean_text(cleaned[name])
        return cleaned


class EntryForm(forms.Form):
    """An entry of the journal: with a question it began from, what was felt, and whom it is about."""

    text = TextField(label=_("For yourself"))
    question = forms.ChoiceField(required=False, label=_("A question to begin from"), widget=forms.RadioSelect)
    feelings = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    own = _line(_("In your own words"), _("Put a comma between several."), most=120)
    tags = _line(
        _("Names or words for it"),
        _("For finding it again; nobody else sees them. Put a comma between several."),
        most=200,
    )

    def __init__(self, *args: Any, questions: tuple[Question, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = {one.id: one.text for one in questions}
        self.fields["question"].choices = [("", _("None"))]  # type: ignore[attr-defined]
        self.fields["question"].choices += list(self.questions.items())  # type: ignore[attr-defined]
        words = [word for family in content.feelings() for word in family.words]
        self.fields["feelings"].choices = [(word, word) for word in words]  # type: ignore[attr-defined]

    def clean_own(self) -> list[str]:
        return _apart(self.cleaned_data["own"])

    def clean_tags(self) -> list[str]:
        return list(dict.fromkeys(_apart(self.cleaned_data["tags"])))[:MOST_TAGS]

    def clean_question(self) -> str:
        return self.questions.get(self.cleaned_data["question"], "")

    def felt(self) -> list[str]:
        """All feelings named, each once, in the order of the form. Call after is_valid."""
        named = [*self.cleaned_data["feelings"], *self.cleaned_data["own"]]
        return list(dict.fromkeys(named))[:MOST_FEELINGS]


class TakeForm(WordsForm):
    """Words of one's own on their way into a bond: which bond, under which line, and how much of them."""

    bond = forms.ChoiceField(
        label=_("Into which bond?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose where it goes, or leave it here.")},
    )
    line = _line(_("The line above it"), _("They see this one as soon as you open it."), required=True, most=160)
    text = TextField(label=_("Your words"), rows=8)

    def __init__(self, *args: Any, bonds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bond"].choices = bonds  # type: ignore[attr-defined]


class PictureForm(WordsForm):
    """A picture for an entry, and what is on it."""

    file = forms.FileField(
        label=_("A picture"),
        help_text=_("JPEG, PNG or WebP, 12 MB at most. Where and when it was taken is removed, and it is made smaller."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages=dict.fromkeys(("required", "empty", "missing"), _("Choose a picture first.")),
    )
    says = _line(_("What is on it?"), _("For a screen reader, and for you in some years. It may stay empty."), most=160)


class LadderForm(WordsForm):
    """Whom a ladder is about."""

    who = _line(
        _("Whom would you like to tell something?"),
        _("A name, or only a letter. They do not get to know of it."),
        required=True,
        most=80,
    )


class RungForm(WordsForm):
    """One thing to tell."""

    thing = TextField(label=_("What you would like them to know"), rows=2)
    hard = _number(_("How hard is that to say?"), ladder.MOST, _("0 is not at all, 10 is the hardest thing you know."))
    fear = _line(_("What do you fear might happen?"))
    helps = _line(_("What would make it a little easier?"), _("A walk, the dark, a letter, somebody beside you."))
    overwhelms = forms.BooleanField(
        required=False,
        label=_("This is about something that was done to me, or that still takes me over when I think of it"),
        help_text=_("Then it is not put on the ladder, and you are shown where help is."),
    )


class PlanForm(WordsForm):
    """When and how."""

    when = _line(_("When?"), _("A moment that will come by itself: after supper on Thursday, on the way home."))
    how = _line(_("How?"), _("Face to face, on a walk, in a letter, here."))
    words = TextField(label=_("Words to begin with"), rows=2, required=False)


class OutcomeForm(WordsForm):
    """What happened."""

    happened = TextField(label=_("What happened?"), rows=3)
    came = forms.ChoiceField(
        label=_("Did what you feared come?"),
        choices=[("no", _("No")), ("partly", _("Partly")), ("yes", _("Yes"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    surprise = _number(_("How much did it surprise you?"), ladder.MOST, _("0 is not at all, 10 is entirely."))
    hard = _number(_("How hard would it be to say it now?"), ladder.MOST)


class StepForm(WordsForm):
    """One step of looking at a fear: some words, and for some steps how much one believes it."""

    text = TextField(label=_("Your words"), rows=4, required=False)
    belief = _number(_("How much do you believe your first thought now?"), worry.MOST, _("0 is not at all, 100 is wholly."))

    def __init__(self, *args: Any, step: worry.Step, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].required = step in worry.NEEDED
        if step not in worry.BELIEVED:
            del self.fields["belief"]


class AskForm(WordsForm):
    """A need and a request, in four parts."""

    saw = TextField(label=_("What happened"), rows=2, help_text=_("As a camera would have it. Without always and never."))
    felt = _line(_("What I felt"), _("One or two words for the feeling itself: left out, tense, sad."), required=True)
    need = _line(_("What I need, or what matters to me"), _("Without the other in it: to be asked, quiet, some certainty."))
    request = TextField(
        label=_("What I ask for"),
        rows=2,
        help_text=_("Something that could be done this week, and that may be answered with no."),
    )


class RethinkForm(WordsForm):
    """Seven minutes with a disagreement."""

    facts = TextField(label=_("Think of one disagreement of the last months. What happened, and nothing but that?"), rows=4)
    friend = TextField(
        label=_("Somebody wishes everyone in it well and takes no side. How would they see it, and what good might come?"),
        rows=4,
    )
    hinders = TextField(label=_("What makes it hard to look at it like that, above all in the middle of it?"), rows=3)
    again = TextField(
        label=_("The next time it begins: how might you get to that view, and what would you do?"),
        rows=3,
        help_text=_("For example: if this happens, then I will do that."),
    )

    ORDER = ("facts", "friend", "hinders", "again")
    MINUTES = rethink.MINUTES


class PlaceForm(WordsForm):
    """A person or a place that helps."""

    name = _line(_("Who or where?"), _("A person, a place, a practice, a dog."), required=True, most=80)
    ring = forms.ChoiceField(
        label=_("How near?"),
        choices=[("1", _("At any hour")), ("2", _("Good to be with")), ("3", _("Trained to help, or a place to go"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    how = _line(_("How do I reach them?"), _("A number, a day, a bus line."), most=160)
    why = _line(_("What are they good for?"), _("Laughing, silence, practical things."), most=160)


class HelpForm(WordsForm):
    """Something that does one good."""

    text = _line(
        _("What does you good?"), _("Small enough for a bad day: a shower, the long way home."), required=True, most=160
    )
    when = forms.ChoiceField(
        label=_("When does it help most?"),
        required=False,
        choices=[
            ("any", _("At any time")),
            ("low", _("When I am low")),
            ("tense", _("When I am tense")),
            ("angry", _("When I am angry")),
            ("tired", _("When I am worn out")),
        ],
    )
