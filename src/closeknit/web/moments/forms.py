"""The moments' forms. Texts are kept as typed, less what no page can show."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from closeknit.method import moment as machine

MOST_CHARACTERS = 20_000
MOST_BYTES = 60_000


def clean_text(value: str) -> str:
    """A text as it is sealed: NFC, plain line ends, no NUL or lone surrogates. Raises ValidationError if too long."""
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValidationError(_g("There is a character in it that cannot be stored. Type that word again.")) from None
    if "\0" in text:
        raise ValidationError(_g("There is an invisible character (NUL) in it. Remove it and try again."))
    text = "".join(one for one in text if one in "\n\t" or unicodedata.category(one) != "Cc")
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MOST_CHARACTERS:
        over = len(text) - MOST_CHARACTERS
        raise ValidationError(
            _g(
                "That is %(over)s characters more than fit here (20,000). Nothing is lost: shorten it or split it in two."
            )
            % {"over": f"{over:,}"}
        )
    if len(text.encode("utf-8")) > MOST_BYTES:
        raise ValidationError(_g("That is more than fits here. Nothing is lost: shorten it or split it in two."))
    return text


class TextField(forms.CharField):
    """Somebody's words."""

    def __init__(self, *, rows: int = 6, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "dir": "auto"})
        super().__init__(strip=False, widget=widget, **kwargs)
        # Django's own NUL check speaks to developers; ours speaks to people.
        self.validators = [v for v in self.validators if type(v).__name__ != "ProhibitNullCharactersValidator"]

    def clean(self, value: Any) -> str:
        text = clean_text(value or "")
        if not text and self.required:
            raise ValidationError(_g("Write a few words first; six are enough."))
        return text


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
    """A private yes to a depth, and what to leave out."""

    level = forms.TypedChoiceField(coerce=int, widget=forms.RadioSelect)
    avoid = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self, *args: Any, themes: list[tuple[str, Any]], levels: list[tuple[int, Any]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
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
