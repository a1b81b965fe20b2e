"""Accounts, their wrapped secrets, their sessions, and what a lock saves."""

from __future__ import annotations

import json
import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from closeknit import vault
from closeknit.web import clock
from closeknit.web.sealed.models import SealedField, SealedRow

LOCK_MINUTES = (2, 5, 15, 30, 60, 120)


class MemberManager(BaseUserManager):
    def get_by_natural_key(self, username: str | None) -> Member:
        return self.get(username__iexact=username)


class Member(AbstractBaseUser, PermissionsMixin):
    """A person with an account. The sign-in name is metadata; the name people see lies sealed in `profile`."""

    class Theme(models.TextChoices):
        AUTO = "auto", _("As this device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("Sign-in name"), max_length=40, unique=True)
    email = models.EmailField(blank=True, default="")
    public_key = models.BinaryField(max_length=32)
    is_host = models.BooleanField(default=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=clock.now, editable=False)
    lock_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(LOCK_MINUTES[0]), MaxValueValidator(LOCK_MINUTES[-1])]
    )
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    language = models.CharField(max_length=12, blank=True, default="")
    discreet = models.BooleanField(default=False)
    #: What they said at sign-up, and no more: no date of birth. It only ever goes from yes to no, by their own word.
    under_18 = models.BooleanField(default=False)
    #: The member asked for their account to be deleted; from then on a job may do it.
    erase_at = models.DateTimeField(null=True)
    #: A restore brought back a passphrase, kit or keys that had been replaced: they are asked for new ones.
    must_renew = models.BooleanField(default=False)

    # When somebody was last here is nobody's business.
    last_login = None

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = MemberManager()

    def __str__(self) -> str:
        return str(self.id)


class MemberRow(SealedRow):
    """One sealed thing of a member's own, by place."""

    KIND = vault.Kind.SELF

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="rows")
    place = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "place"], name="one_row_a_place")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id


class RecordLine(SealedRow):
    """A line of a member's own record: a sign-in, an export, something about their keys. Never about reading."""

    PLACE = vault.Place.RECORD

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="record")
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "number"], name="one_record_line_a_number")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id


class Factor(SealedRow):
    """A second way to sign in: what is secret about it, sealed, beside allauth's row of it.

    That row holds a passkey's public half in clear, since signing in by passkey has no key yet. It is bound here: an
    exchanged one does not open this.
    """

    PLACE = vault.Place.FACTOR

    class Kind(models.TextChoices):
        APP = "totp", _("Codes from an app")
        CODES = "recovery_codes", _("Recovery codes")
        PASSKEY = "webauthn", _("Passkey")

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    authenticator = models.OneToOneField("mfa.Authenticator", on_delete=models.CASCADE, related_name="factor")

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.kind.encode("utf-8"), self.in_clear)

    @property
    def in_clear(self) -> bytes:
        """What allauth's row says: of a passkey its id and public key."""
        text = json.dumps(self.authenticator.data, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")


class SecretWrap(models.Model):
    """The member secret under one key: the passphrase's, the recovery kit's, or a passkey's that may open words."""

    class Opener(models.TextChoices):
        PASSPHRASE = "passphrase"
        KIT = "kit"
        PASSKEY = "passkey"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="wraps")
    opener = models.CharField(max_length=12, choices=Opener.choices)
    #: The passkey, where it is one's.
    factor = models.OneToOneField(Factor, on_delete=models.CASCADE, null=True, related_name="wrap")
    salt = models.BinaryField(max_length=16)
    revision = models.PositiveBigIntegerField(default=0)
    envelope = SealedField()
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "opener"],
                condition=models.Q(opener__in=["passphrase", "kit"]),
                name="one_wrap_an_opener",
            ),
            models.CheckConstraint(
                condition=models.Q(opener="passkey", factor__isnull=False)
                | models.Q(factor__isnull=True) & ~models.Q(opener="passkey"),
                name="a_passkey_s_wrap_names_it",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def context(self) -> vault.Context:
        return vault.Context(
            vault.Place.MEMBER_SECRET,
            self.id,
            self.member_id,
            revision=self.revision,
            extra=(self.opener.encode("ascii"), bytes(self.salt), *self._passkey()),
        )

    def _passkey(self) -> tuple[bytes, ...]:
        """The passkey itself: a wrap moved to another one does not open."""
        return () if self.factor is None else (self.factor.id.bytes, self.factor.in_clear)


class OwnSession(models.Model):
    """A session as its owner sees it in a list: a kind of device, a first and a last day. Nothing finer is kept."""

    class Device(models.TextChoices):
        PHONE = "phone", _("Phone")
        TABLET = "tablet", _("Tablet")
        COMPUTER = "computer", _("Computer")
        OTHER = "other", _("Other device")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="own_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=8, choices=Device.choices)
    first_day = models.DateField()
    last_day = models.DateField()

    def __str__(self) -> str:
        return str(self.id)


class Dropped(SealedRow):
    """What was being typed when the session locked: sealed under a key that can write but, until unlocking, not read."""

    PLACE = vault.Place.DROPPED
    KIND = vault.Kind.DROP

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="dropped")
    key_wrap = SealedField()
    wrap_id = models.UUIDField()

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id


class Limit(models.Model):
    """Failed tries by one (account, address), under a keyed hash: neither can be read back."""

    key = models.CharField(primary_key=True, max_length=64)
    tries = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.key
