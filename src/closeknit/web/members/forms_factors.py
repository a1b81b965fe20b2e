"""Forms of second ways to sign in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from closeknit import vault

from . import factors, limits
from .forms import clean_line
from .models import Member

_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class CodeForm(forms.Form):
    """A code at sign-in, after the passphrase was right."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your app, or one of your recovery codes."),
        widget=forms.TextInput(attrs=_CODE),
    )

    def __init__(self, *args: Any, request: HttpRequest, member: Member, keyring: vault.Keyring, **kwargs: Any) -> None:
        self.request, self.member, self.keyring = request, member, keyring
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        limits.ensure_allowed("second", str(self.member.pk), self.request, everywhere=True)
        if not factors.code_take(self.member, self.keyring, code):
            limits.note_failure("second", str(self.member.pk), self.request, everywhere=True)
            raise ValidationError(
                _g("That code didn't fit. A code works once and for half a minute: wait for the next one.")
            )
        limits.forget("second", str(self.member.pk), self.request, everywhere=True)
        return code


class AppForm(forms.Form):
    """The first code of an app, to show that it has the secret."""

    code = forms.CharField(
        label=_("The code it shows now"),
        max_length=12,
        help_text=_("Six digits. They change every half minute."),
        widget=forms.TextInput(attrs={**_CODE, "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, secret: str, **kwargs: Any) -> None:
        self.secret = secret
        self.step = 0
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        step = factors.app_step(self.secret, code)
        if step is None:
            raise ValidationError(
                _g("That code didn't fit. Wait for the next one; if it goes on, set this device's clock and the app's right.")
            )
        self.step = step
        return code


class PasskeyForm(forms.Form):
    """A new passkey; the page's script fills in what the device answered."""

    name = forms.CharField(
        label=_("What to call it"),
        max_length=40,
        required=False,
        help_text=_("Sealed. For your own list, such as: the phone in my bag."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    opens = forms.BooleanField(
        label=_("It may open my words, too, without the passphrase"),
        required=False,
        help_text=_(
            "Only where the browser can do it. Whoever can unlock this device, by its PIN, a finger or a face, opens your "
            "words then. Leave it off if that could be somebody else."
        ),
    )

    def clean_name(self) -> str:
        return clean_line(self.cleaned_data["name"])
