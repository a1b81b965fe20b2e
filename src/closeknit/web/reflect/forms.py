"""What one writes for oneself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from closeknit.web import content
from closeknit.web.bonds.texts import TextField, clean_text

#: How many feelings an entry may name.
MOST_FEELINGS = 12


class EntryForm(forms.Form):
    """An entry of the journal, with what was felt: of the list, and in own words."""

    text = TextField(label=_("For yourself"))
    feelings = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    own = forms.CharField(
        required=False,
        max_length=120,
        label=_("In your own words"),
        help_text=_("Several are set apart by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [word for family in content.feelings() for word in family.words]
        self.fields["feelings"].choices = [(word, word) for word in words]  # type: ignore[attr-defined]

    def clean_own(self) -> list[str]:
        return [one for one in (clean_text(part) for part in self.cleaned_data["own"].split(",")) if one]

    def felt(self) -> list[str]:
        """All feelings named, each once, in the order of the form. Call after is_valid."""
        named = [*self.cleaned_data["feelings"], *self.cleaned_data["own"]]
        return list(dict.fromkeys(named))[:MOST_FEELINGS]
