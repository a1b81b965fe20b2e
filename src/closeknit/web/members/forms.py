"""The account's forms. Every error says what to do; nothing typed is lost, passphrases excepted."""

from __future__ import annotations

import importlib.resources
import re
import unicodedata
import zoneinfo
from functools import cache
from itertools import groupby
from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from closeknit import vault

from . import limits, services, strength
from .models import LOCK_MINUTES, Member

USERNAME = re.compile(r"^[\w.\-]{2,40}$")


def clean_line(text: str) -> str:
    """One line of someone's words: no control or direction characters that could disguise a name."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in {"Cc", "Cf"}).strip()


class PassphraseField(forms.CharField):
    """Kept exactly as typed: no stripping, no length but the vault's."""

    def __init__(self, *, new: bool = False, **kwargs: Any) -> None:
        autocomplete = "new-password" if new else "current-password"
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "data-passphrase": ""})
        first = _("Choose a passphrase of 15 characters or more.") if new else _("Type your passphrase first.")
        super().__init__(strip=False, widget=widget, error_messages={"required": first}, **kwargs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        try:
            vault.normalise(text)
        except vault.PassphraseTooLong:
            raise ValidationError(_g("That is longer than 1,024 bytes. Check what was pasted.")) from None
        except ValueError:
            raise ValidationError(_g("That has a character that cannot be stored. Type it again.")) from None
        return text


def check_username(value: str) -> str:
    """A sign-in name as it is stored. Raises ValidationError."""
    value = unicodedata.normalize("NFKC", value).strip()
    if not USERNAME.match(value):
        raise ValidationError(_g("Use 2 to 40 letters or digits. Dots, hyphens and underscores are fine, spaces are not."))
    return value


class SignUpForm(SignupForm):
    """A sign-in name and a passphrase, once. No e-mail."""

    username = forms.CharField(
        label=_("Sign-in name"),
        max_length=40,
        error_messages={"required": _("Choose a name to sign in with.")},
        help_text=_("Only for signing in. Whoever runs this machine can see it, so a nickname is fine."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Sign-in name")
        self.fields["username"].widget.attrs.pop("placeholder", None)
        self.fields["password1"] = PassphraseField(
            new=True,
            label=_("Passphrase"),
            help_text=_("15 characters or more. It opens everything you write here, and nobody can reset it for you."),
        )
        self.fields["under_18"] = forms.ChoiceField(
            label=_("How old are you?"),
            choices=[("no", _("18 or older")), ("yes", _("Under 18"))],
            widget=forms.RadioSelect,
            help_text=_(
                "A few things here are for adults. Whoever runs this machine can see your answer; no other member can."
            ),
            error_messages={"required": _("Choose one of the two. No date of birth is asked for.")},
        )
        self.fields["zone"] = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-zone": ""}))

    def clean_username(self) -> str:
        value = check_username(self.cleaned_data["username"])
        if Member.objects.filter(username__iexact=value).exists():
            raise ValidationError(_g("Someone already signs in with that name. Choose another."))
        return value

    def clean_under_18(self) -> bool:
        return str(self.cleaned_data["under_18"]) == "yes"

    def clean_zone(self) -> str:
        return clean_zone(self.cleaned_data.get("zone", ""))


def clean_zone(value: str) -> str:
    """A known time zone's name, or UTC."""
    return value if value in zoneinfo.available_timezones() else "UTC"


class SignInForm(LoginForm):
    """Name and passphrase. One answer for every reason it did not open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("Sign-in name"),
            max_length=40,
            error_messages={"required": _("Type your sign-in name first.")},
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        )
        self.fields["password"] = PassphraseField(label=_("Passphrase"))
        self.fields["remember"] = forms.BooleanField(
            required=False,
            label=_("Stay signed in here for 14 days"),
            help_text=_("Only on a device that nobody else uses. It still locks when it is quiet."),
        )
        self.order_fields(["login", "password", "remember"])
        self.keyring: vault.Keyring | None = None

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        name = self.cleaned_data["login"]
        known = knows_device(self.request, name)
        if not known:
            limits.ensure_allowed("sign-in", name, self.request)
        try:
            cleaned: dict[str, Any] = super().clean()
            self.keyring = services.secret_open_with_passphrase(self.user, self.cleaned_data["password"])
        except (ValidationError, vault.VaultError):
            if not known:
                limits.note_failure("sign-in", name, self.request)
            raise ValidationError(
                _g("That didn't open it. Check capitals and spaces; your recovery kit works too.")
            ) from None
        limits.forget("sign-in", name, self.request)
        return cleaned


DEVICE_COOKIE_SALT = "closeknit.device"


def knows_device(request: HttpRequest, name: str) -> bool:
    """Whether this browser signed in to this account before."""
    from django.core import signing

    try:
        seen = signing.loads(request.COOKIES.get("ck-device", ""), salt=DEVICE_COOKIE_SALT, max_age=400 * 86400)
    except signing.BadSignature:
        return False
    member = Member.objects.filter(username__iexact=name).only("id").first()
    return member is not None and isinstance(seen, list) and str(member.pk) in seen


DISCREET_LOCK_MINUTES = 5


class UnlockForm(forms.Form):
    """The passphrase again, for whoever is signed in."""

    passphrase = PassphraseField(label=_("Passphrase"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        self.keyring: vault.Keyring | None = None
        super().__init__(*args, **kwargs)

    def clean_passphrase(self) -> str:
        passphrase: str = self.cleaned_data["passphrase"]
        member = self.request.user
        limits.ensure_allowed("unlock", str(member.pk), self.request)
        try:
            self.keyring = services.secret_open_with_passphrase(member, passphrase)
        except vault.VaultError:
            limits.note_failure("unlock", str(member.pk), self.request)
            raise ValidationError(
                _g("That didn't open it. Check capitals and spaces; your recovery kit works too.")
            ) from None
        limits.forget("unlock", str(member.pk), self.request)
        return passphrase


class NewPassphraseForm(UnlockForm):
    """The present passphrase, then a new one."""

    new_passphrase = PassphraseField(
        new=True,
        label=_("New passphrase"),
        help_text=_("15 characters or more. What you wrote stays as it is; only the key to it is wrapped anew."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passphrase"].label = _("Present passphrase")

    def clean_new_passphrase(self) -> str:
        value: str = self.cleaned_data["new_passphrase"]
        strength.check(value, inputs=(self.request.user.username,))
        if value == self.cleaned_data.get("passphrase"):
            raise ValidationError(_g("That is the present one. Choose another."))
        return value


class KitConfirmForm(forms.Form):
    """One group of the kit, to show that it was written down."""

    group = forms.CharField(
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, kit: str, index: int, **kwargs: Any) -> None:
        self.kit, self.index = kit, index
        super().__init__(*args, **kwargs)
        self.fields["group"].label = _g("Type group %(number)d of your kit") % {"number": index + 1}
        self.fields["group"].help_text = _g("So that you know it is written down somewhere.")

    def clean_group(self) -> str:
        typed = self.cleaned_data["group"].upper().replace("-", "").replace(" ", "")
        wanted = self.kit.split("-")[self.index]
        if typed.translate(str.maketrans("OIL", "011")) != wanted.translate(str.maketrans("OIL", "011")):
            raise ValidationError(
                _g("That is not group %(number)d. Look at the kit above and type its five characters.")
                % {"number": self.index + 1}
            )
        return typed


class RecoverForm(forms.Form):
    """The kit and a new passphrase."""

    login = forms.CharField(
        label=_("Sign-in name"),
        max_length=40,
        error_messages={"required": _("Type your sign-in name first.")},
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    kit = forms.CharField(
        label=_("Recovery kit"),
        max_length=120,
        error_messages={"required": _("Type all eight groups of your kit.")},
        help_text=_("All eight groups. Spaces, hyphens and capitals do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    new_passphrase = PassphraseField(new=True, label=_("New passphrase"), help_text=_("15 characters or more."))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        self.member: Member | None = None
        self.keyring: vault.Keyring | None = None
        super().__init__(*args, **kwargs)

    def clean_kit(self) -> bytes:
        try:
            return vault.parse_kit(self.cleaned_data["kit"])
        except vault.BadKit as bad:
            if bad.group is None:
                raise ValidationError(
                    _g("A kit has eight groups of five characters. Some are missing or too many.")
                ) from None
            raise ValidationError(
                _g("Group %(number)d has a slip. Compare it with your kit, letter by letter.") % {"number": bad.group}
            ) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        name = cleaned["login"].strip()
        strength_error: ValidationError | None = None
        try:
            strength.check(cleaned["new_passphrase"], inputs=(name,))
        except ValidationError as error:
            strength_error = error
        if strength_error is not None:
            self.add_error("new_passphrase", strength_error)
            return cleaned
        limits.ensure_allowed("recover", name, self.request)
        member = Member.objects.filter(username__iexact=name).first()
        try:
            if member is None:
                raise vault.DoesNotOpen("does not open")
            self.keyring = services.secret_open_with_kit(member, cleaned["kit"])
            self.member = member
        except vault.VaultError:
            limits.note_failure("recover", name, self.request)
            raise ValidationError(
                _g("That name and kit don't belong together. A kit that was replaced opens nothing any more.")
            ) from None
        limits.forget("recover", name, self.request)
        return cleaned


@cache
def places() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(part of the world, its time zones by their names), as the time zone database lists places where people live. Its
    older names and bare offsets are left out."""
    text = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    names = sorted(line.split("\t")[2] for line in text.splitlines() if line and not line.startswith("#"))
    return tuple((area, tuple(found)) for area, found in groupby(names, key=lambda name: name.split("/")[0]))


def zone_choices(current: str) -> list[Any]:
    """Time zones in groups by part of the world. One that a member has and that is in none of them comes first."""
    called = {
        **{"Africa": _("Africa"), "America": _("America"), "Antarctica": _("Antarctica"), "Arctic": _("Arctic")},
        **{"Asia": _("Asia"), "Atlantic": _("Atlantic"), "Australia": _("Australia"), "Europe": _("Europe")},
        **{"Indian": _("Indian Ocean"), "Pacific": _("Pacific")},
    }
    known = {name for _area, names in places() for name in names}
    first = [("UTC", _("UTC, the same everywhere"))]
    if current in zoneinfo.available_timezones() - known - {"UTC"}:
        first.insert(0, (current, current.replace("_", " ")))
    groups = [
        (called.get(area, area), [(name, name.partition("/")[2].replace("_", " ").replace("/", ": ")) for name in names])
        for area, names in places()
    ]
    return [*first, *groups]


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How Closeknit behaves for one member."""

    name = forms.CharField(
        label=_("What people here call you"), max_length=60, help_text=_("Sealed. New bonds start with this name.")
    )
    zone = forms.ChoiceField(label=_("Your time zone"), help_text=_("Sealed. Your days begin and end by it."))
    exit = forms.URLField(
        label=_("Where Quick exit leads"),
        required=False,
        max_length=200,
        assume_scheme="https",
        help_text=_(
            "Sealed. A page that says nothing about you, such as the weather. Empty: a plain page called Notes. While "
            "Closeknit is locked it is always the plain page."
        ),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )

    class Meta:
        model = Member
        fields = ["lock_minutes", "theme", "discreet"]
        labels = {"lock_minutes": _("Lock after"), "theme": _("Light or dark"), "discreet": _("Discreet")}
        help_texts = {
            "discreet": _(
                "The tab is called Notes and shows a plain icon; notices do not name the app; it locks after 5 minutes."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.data.get("zone") if self.is_bound else self.initial.get("zone")
        self.fields["zone"].choices = zone_choices(str(current))  # type: ignore[attr-defined]
        self.fields["lock_minutes"] = forms.TypedChoiceField(
            label=_("Lock after"),
            coerce=int,
            choices=[(minutes, _g("%(minutes)d quiet minutes") % {"minutes": minutes}) for minutes in LOCK_MINUTES],
        )
        self.was_discreet = bool(self.instance.discreet)
        self.order_fields(["name", "zone", "lock_minutes", "theme", "discreet", "exit"])

    def clean_exit(self) -> str:
        address: str = self.cleaned_data["exit"]
        if address and not address.startswith("https://"):
            raise ValidationError(_g("Type an address that begins with https://"))
        return address

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("discreet") and not self.was_discreet and "lock_minutes" in cleaned:
            cleaned["lock_minutes"] = min(cleaned["lock_minutes"], DISCREET_LOCK_MINUTES)
        return cleaned

    def clean_name(self) -> str:
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_g("Type a name, or a nickname."))
        return name
