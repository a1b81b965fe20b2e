"""Second ways to sign in: codes from an app, recovery codes, passkeys. What is secret about them is sealed.

allauth keeps a row for each (its type, a passkey's public half); ours beside it, `Factor`, holds the rest under the self
key: the app's secret and the last step of time that was used, the recovery codes that are left, a passkey's name. A row
of allauth's without ours counts for nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.db import IntegrityError, models, transaction

from closeknit import vault
from closeknit.web import clock

from .models import Factor, Member

#: A code counts half a minute before and after its own, for clocks that differ.
STEPS_AROUND = 1
#: What stands for a person at sign-in; recovery codes only stand in for one of these.
SECOND = (Factor.Kind.APP, Factor.Kind.PASSKEY)


class Already(Exception):
    """There is one of this kind already."""


@dataclass(frozen=True, slots=True)
class Way:
    """A second way, as its owner sees it."""

    id: uuid.UUID
    kind: str
    label: str
    name: str
    added: date
    #: Whether it opens words as well, without the passphrase.
    opens: bool
    #: Recovery codes that are left.
    left: int
    #: False for one that its owner did not add: it does not open under their key.
    own: bool


def of(member: Member) -> models.QuerySet[Factor]:
    """A member's second ways, each with allauth's row."""
    mine = Factor.objects.filter(
        member=member, authenticator__user=models.F("member"), authenticator__type=models.F("kind")
    )
    return mine.select_related("authenticator").order_by("authenticator_id")


def are_asked(member: Member) -> bool:
    """Whether the passphrase alone does not sign this member in."""
    return of(member).filter(kind__in=SECOND).exists()


def ways(member: Member, keyring: vault.Keyring) -> list[Way]:
    """All second ways, opened. One that does not open was planted or changed, and is listed as such."""
    found = []
    for factor in of(member).select_related("wrap"):
        try:
            payload, own = factor.unseal(keyring.self_key), True
        except vault.VaultError:
            payload, own = {}, False
        found.append(
            Way(
                id=factor.id,
                kind=factor.kind,
                label=str(factor.get_kind_display()),
                name=payload.get("name", ""),
                added=factor.authenticator.created_at.date(),
                opens=hasattr(factor, "wrap"),
                left=len(payload.get("codes", ())),
                own=own,
            )
        )
    return found


def add(member: Member, keyring: vault.Keyring, kind: str, payload: dict[str, Any], data: dict[str, Any]) -> Factor:
    """Store one. payload: sealed; data: what allauth's row says in clear. Of when, the day alone. Raises Already."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        with transaction.atomic():
            row = Authenticator.objects.create(user=member, type=kind, data=data, created_at=today)
            factor = Factor(member=member, kind=kind, authenticator=row)
            factor.seal(keyring.self_key, payload)
            factor.save(force_insert=True)
    except IntegrityError:
        raise Already from None
    return factor


def remove(member: Member, factor_id: uuid.UUID) -> bool:
    """Remove one; with the last that stands for a person the recovery codes go, too. False if there is none such."""
    with transaction.atomic():
        Member.objects.select_for_update().only("id").get(pk=member.pk)
        gone, _each = Authenticator.objects.filter(user=member, factor__id=factor_id, factor__member=member).delete()
        if gone and not are_asked(member):
            remove_all(member)
    return bool(gone)


def remove_all(member: Member) -> bool:
    """No second way is left. Whether there was one. Needs no key."""
    with transaction.atomic():
        Factor.objects.filter(member=member).delete()
        gone, _each = Authenticator.objects.filter(user=member).delete()
    return bool(gone)


# -- codes from an app --------------------------------------------------------------------------------------------------


def app_secret() -> str:
    """A new secret for an app."""
    return str(generate_totp_secret())


def app_step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The step of time that this code is of, if it is a present one later than `after`."""
    now = int(clock.now().timestamp()) // app_settings.TOTP_PERIOD
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        if step > after and compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def app_add(member: Member, keyring: vault.Keyring, secret: str, step: int) -> Factor:
    """Codes from this secret from now on, later than the one that was shown. Raises Already."""
    return add(member, keyring, Factor.Kind.APP, {"secret": secret, "step": step}, {})


# -- recovery codes -------------------------------------------------------------------------------------------------------


def codes_make(member: Member, keyring: vault.Keyring) -> list[str]:
    """New recovery codes; any older ones are void."""
    made = Authenticator(data={"seed": RecoveryCodes.generate_seed(), "used_mask": 0})
    codes: list[str] = RecoveryCodes(made).generate_codes()
    with transaction.atomic():
        Member.objects.select_for_update().only("id").get(pk=member.pk)
        Authenticator.objects.filter(user=member, type=Factor.Kind.CODES).delete()
        add(member, keyring, Factor.Kind.CODES, {"codes": codes}, {})
    return codes


def have_codes(member: Member) -> bool:
    return of(member).filter(kind=Factor.Kind.CODES).exists()


# -- signing in with a code -----------------------------------------------------------------------------------------------


def code_take(member: Member, keyring: vault.Keyring, code: str) -> bool:
    """Whether this is a present code of the member's app, or one of their recovery codes. Each is taken once, whoever
    else tries it at the same moment. Raises vault.VaultError if what is stored was changed from outside."""
    with transaction.atomic():
        for factor in of(member).exclude(kind=Factor.Kind.PASSKEY).select_for_update(of=("self",)):
            payload = factor.unseal(keyring.self_key)
            if factor.kind == Factor.Kind.APP:
                step = app_step(payload["secret"], code, after=payload["step"])
                if step is None:
                    continue
                payload["step"] = step
            else:
                left = [one for one in payload["codes"] if not compare_user_code(actual=code, expected=one)]
                if len(left) == len(payload["codes"]):
                    continue
                payload["codes"] = left
            factor.seal(keyring.self_key, payload)
            factor.save(update_fields=["body", "revision"])
            return True
    return False
