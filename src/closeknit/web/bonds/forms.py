"""The bonds' forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from closeknit.web.members import strength
from closeknit.web.members.forms import PassphraseField, clean_line

from . import services
from .models import THREADS, Bond

THREAD_LABELS = {
    "madder": _("Madder, red"),
    "woad": _("Woad, blue"),
    "weld": _("Weld, yellow"),
    "moss": _("Moss, green"),
    "plum": _("Plum, purple"),
    "teal": _("Teal"),
    "walnut": _("Walnut, brown"),
    "slate": _("Slate, grey"),
}


def free_thread(taken: list[str]) -> str:
    """The first thread nobody has yet."""
    return next((thread for thread in THREADS if thread not in taken), THREADS[0])


class AppearForm(forms.Form):
    """How one appears to the others in a bond."""

    own_name = forms.CharField(
        label=_("What they call you"),
        max_length=60,
        error_messages={"required": _("Type a name, or a nickname.")},
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    thread = forms.ChoiceField(
        label=_("Your thread"),
        choices=[(thread, THREAD_LABELS[thread]) for thread in THREADS],
        widget=forms.RadioSelect,
        help_text=_("Your words carry this colour."),
    )

    def clean_own_name(self) -> str:
        name = clean_line(self.cleaned_data["own_name"])
        if not name:
            raise ValidationError(_g("Type a name, or a nickname."))
        return name


class BondForm(AppearForm):
    """A new bond."""

    kind = forms.ChoiceField(
        label=_("Who is it for?"),
        choices=Bond.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose who it is for.")},
    )
    name = forms.CharField(
        label=_("What shall it be called?"),
        max_length=60,
        help_text=_("Sealed: only the people in it read this."),
        error_messages={"required": _("Give it a name; two first names will do.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    leave_rule = forms.ChoiceField(
        label=_("If someone leaves one day"),
        choices=Bond.LeaveRule.choices,
        initial=Bond.LeaveRule.WORDS_LEAVE,
        widget=forms.RadioSelect,
        help_text=_("Whoever joins sees this before they say yes. It cannot be changed later."),
    )
    strict = forms.BooleanField(
        label=_("Strict reveal"),
        required=False,
        help_text=_(
            "An answer is handed over only when all have answered and each has come by again. Slower, and nobody, not even "
            "the host of this machine, can look early."
        ),
    )
    field_order = ("kind", "name", "own_name", "thread", "leave_rule", "strict")

    def __init__(self, *args: Any, under_18: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if under_18:
            kind = self.fields["kind"]
            kind.choices = [one for one in Bond.Kind.choices if one[0] != Bond.Kind.PARTNERS]  # type: ignore[attr-defined]
            kind.help_text = _g("Bonds for partners are for people of 18 or older.")

    def clean_name(self) -> str:
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_g("Type a name for it; the people's names are fine."))
        return name


class NewKeysForm(forms.Form):
    """A new passphrase for new keys. The present one was typed just before, to get here."""

    new_passphrase = PassphraseField(new=True, label=_("New passphrase"), help_text=_("15 characters or more."))

    def __init__(self, *args: Any, username: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.username = username

    def clean_new_passphrase(self) -> str:
        value: str = self.cleaned_data["new_passphrase"]
        strength.check(value, inputs=(self.username,))
        return value


class SecretForm(forms.Form):
    """The invitation's secret: filled in from the link by script, or typed as words."""

    secret = forms.CharField(
        label=_("Words of the invitation"),
        max_length=300,
        help_text=_("Thirteen words; whoever invited you sees them beside the link."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "data-invitation-secret": ""}
        ),
    )

    def clean_secret(self) -> bytes:
        secret = services.parse_invitation_secret(self.cleaned_data["secret"])
        if secret is None:
            raise ValidationError(_g("Those are not the thirteen words of an invitation. Check the spelling."))
        return secret


class JoinForm(AppearForm):
    """Saying yes to an invitation."""

    def __init__(self, *args: Any, taken: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["own_name"].label = _g("What shall they call you here?")
        if not self.is_bound:
            self.fields["thread"].initial = free_thread(taken)
