"""The forms of the coach's pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from closeknit.web.bonds.texts import TextField

from .wishes import Use


class WishesForm(forms.Form):
    """What the coach may do for me."""

    use = forms.ChoiceField(
        label=_("What it may do for you"),
        choices=[
            (Use.TIPS.value, _("Tips and help")),
            (Use.HELP.value, _("Help alone")),
            (Use.NONE.value, _("Neither")),
        ],
        help_text=_("Tips come when you ask for them. Help shows when words look like danger."),
        widget=forms.RadioSelect,
    )
    quiet_in = forms.MultipleChoiceField(
        label=_("No tips in"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("The others do not see this.")
    )
    forget = forms.BooleanField(
        label=_("Forget what I called off"), required=False, help_text=_("It is heard again as it was at first.")
    )

    def __init__(self, *args: Any, bonds: list[tuple[str, str]], has_off: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quiet_in"].choices = bonds  # type: ignore[attr-defined]
        if not bonds:
            del self.fields["quiet_in"]
        if not has_off:
            del self.fields["forget"]


class ReplyForm(forms.Form):
    """A reply to a made-up person."""

    text = TextField(label=_("Your reply"), rows=4)
