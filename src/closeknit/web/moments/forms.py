"""The moments' forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from closeknit.method import moment as machine
from closeknit.web.bonds.texts import TextField, clean_text


class AnswerForm(forms.Form):
    """An answer and when it opens."""

    text = TextField(label=_("Your answer"))
    hush = forms.BooleanField(required=False, label=_("Don't tell that I have answered"))
    advice = forms.BooleanField(required=False, label=_("Advice is welcome on this one"))
    rule = forms.ChoiceField(
        required=False,
        label=_("It opens"),
        choices=[("all", _("when everyone who takes part has answered")), ("two", _("as soon as two have answered"))],
        widget=forms.RadioSelect,
        initial="all",
    )
    let_see = forms.BooleanField(required=False, label=_("Those who did not answer may read it then too"))

    def clean_rule(self) -> machine.Rule:
        return machine.Rule(self.cleaned_data.get("rule") or "all")


class RespondForm(forms.Form):
    """The first response, before any words."""

    choice = forms.ChoiceField(choices=[(choice.value, "") for choice in machine.Choice])

    def clean_choice(self) -> machine.Choice:
        return machine.Choice(self.cleaned_data["choice"])


class SayForm(forms.Form):
    """Words beneath an answer."""

    text = TextField(label=_("A few words"), rows=3)
    advice = forms.BooleanField(required=False, label=_("This is advice"))


class WishesForm(forms.Form):
    """A private yes to a depth, what to leave out, and what holds just now."""

    level = forms.TypedChoiceField(coerce=int, widget=forms.RadioSelect)
    avoid = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    now = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        *args: Any,
        themes: list[tuple[str, Any]],
        levels: list[tuple[int, Any]],
        times: list[tuple[str, Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["now"].choices = times  # type: ignore[attr-defined]
        self.fields["level"].choices = levels  # type: ignore[attr-defined]
        self.fields["avoid"].choices = themes  # type: ignore[attr-defined]


class OwnPromptForm(forms.Form):
    """A prompt of one's own."""

    text = forms.CharField(
        label=_("Your prompt"),
        max_length=240,
        help_text=_("One question that can be answered in six words or in sixty."),
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )

    def clean_text(self) -> str:
        return clean_text(self.cleaned_data["text"])


class SearchForm(forms.Form):
    """Words to look for."""

    words = forms.CharField(
        label=_("Search in your own and shared words"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
