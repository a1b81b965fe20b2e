"""What changes an account. Each is one short transaction; key derivations happen before it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from closeknit import vault
from closeknit.vault.passphrase import DEFAULT_PROFILE, SALT_BYTES
from closeknit.web import clock

from .hashers import derivation_slot
from .keys import RequestKeys
from .models import Dropped, Member, MemberRow, OwnSession, SecretWrap

DROPPED_FLAG = "ck_dropped"


class NameTaken(Exception):
    """Someone else signs in with this name."""


@dataclass(frozen=True, slots=True)
class NewMember:
    member: Member
    keyring: vault.Keyring
    kit: bytes


def _wrap(member: Member, opener: str, key: vault.Key, secret: vault.Key, *, salt: bytes, profile: int) -> SecretWrap:
    wrap = SecretWrap.objects.filter(member=member, opener=opener).first() or SecretWrap(member=member, opener=opener)
    wrap.revision += 1
    wrap.salt = salt
    wrap.created_at = clock.now()
    wrap.confirmed_at = None
    wrap.envelope = vault.seal(
        key, vault.Kind.WRAP, wrap.context(), secret.raw, epoch=profile, padding=vault.Padding.CHOICE
    )
    return wrap


def passphrase_key(passphrase: str, salt: bytes, profile: int) -> vault.Key:
    """The key that a passphrase gives; at most two at once. Raises hashers.TooBusy, vault.PassphraseTooLong."""
    with derivation_slot():
        return vault.passphrase_key(passphrase, salt, profile)


def member_create(*, username: str, passphrase: str, profile: dict[str, Any], under_18: bool = False) -> NewMember:
    """A new account with its keys, its wraps and its sealed profile.

    profile: {"name": display name, "zone": time zone}. under_18: what they said when asked. The first account of a store
    carries the host mark.
    Raises NameTaken, vault.PassphraseTooLong, hashers.TooBusy.
    """
    keyring = vault.Keyring(vault.Key.new())
    kit = vault.new_kit()
    salt = vault.libsodium_random(SALT_BYTES)
    wrapping = passphrase_key(passphrase, salt, DEFAULT_PROFILE)
    member = Member(
        username=username, public_key=keyring.box.public, password=make_password(passphrase), under_18=under_18
    )
    try:
        with transaction.atomic():
            if Member.objects.filter(username__iexact=username).exists():
                raise NameTaken
            member.is_host = not Member.objects.exists()
            member.save(force_insert=True)
            _wrap(member, "passphrase", wrapping, keyring.secret, salt=salt, profile=DEFAULT_PROFILE).save()
            _wrap(member, "kit", vault.kit_key(kit), keyring.secret, salt=b"", profile=0).save()
            row = MemberRow(member=member, place=vault.Place.PROFILE)
            row.seal(keyring.self_key, profile)
            row.save()
    except IntegrityError:
        raise NameTaken from None
    return NewMember(member, keyring, kit)


def secret_open_with_passphrase(member: Member, passphrase: str) -> vault.Keyring:
    """The member's keyring. Raises vault.DoesNotOpen for a wrong passphrase, hashers.TooBusy.

    A wrap of a cheaper profile than the default is made again at the default.
    """
    wrap = SecretWrap.objects.filter(member=member, opener="passphrase").first()
    if wrap is None:
        raise vault.DoesNotOpen("does not open")
    profile = vault.parse(wrap.envelope).epoch
    if len(wrap.salt) != SALT_BYTES:
        raise vault.DoesNotOpen("does not open")
    key = passphrase_key(passphrase, bytes(wrap.salt), profile)
    keyring = vault.Keyring(vault.Key(vault.open_envelope(key, vault.Kind.WRAP, wrap.context(), wrap.envelope)))
    if profile < DEFAULT_PROFILE:
        passphrase_set(member, keyring, passphrase, same=True)
    return keyring


def secret_open_with_kit(member: Member, kit: bytes) -> vault.Keyring:
    """The member's keyring. Raises vault.DoesNotOpen if it is not this member's present kit."""
    wrap = SecretWrap.objects.filter(member=member, opener="kit").first()
    if wrap is None:
        raise vault.DoesNotOpen("does not open")
    raw = vault.open_envelope(vault.kit_key(kit), vault.Kind.WRAP, wrap.context(), wrap.envelope)
    return vault.Keyring(vault.Key(raw))


def passphrase_set(member: Member, keyring: vault.Keyring, passphrase: str, *, same: bool = False) -> None:
    """Wrap the same secret under a new passphrase; or under the same, at a dearer profile. No content is touched."""
    salt = vault.libsodium_random(SALT_BYTES)
    key = passphrase_key(passphrase, salt, DEFAULT_PROFILE)
    encoded = make_password(passphrase)
    with transaction.atomic():
        _wrap(member, "passphrase", key, keyring.secret, salt=salt, profile=DEFAULT_PROFILE).save()
        member.password, member.must_renew = encoded, member.must_renew and same
        member.save(update_fields=["password", "must_renew"])


def kit_renew(member: Member, keyring: vault.Keyring) -> bytes:
    """A new recovery kit; the old one opens nothing from now on."""
    kit = vault.new_kit()
    with transaction.atomic():
        _wrap(member, "kit", vault.kit_key(kit), keyring.secret, salt=b"", profile=0).save()
    return kit


def secret_replace(member: Member, keyring: vault.Keyring, wrapping: vault.Key, salt: bytes, kit: bytes) -> None:
    """Wrap a new secret under a passphrase's key and a kit; every other wrap is void. Inside a transaction."""
    SecretWrap.objects.filter(member=member).exclude(opener__in=["passphrase", "kit"]).delete()
    _wrap(member, "passphrase", wrapping, keyring.secret, salt=salt, profile=DEFAULT_PROFILE).save()
    _wrap(member, "kit", vault.kit_key(kit), keyring.secret, salt=b"", profile=0).save()


def kit_confirm(member: Member) -> None:
    """Note that the kit was written down."""
    SecretWrap.objects.filter(member=member, opener="kit").update(confirmed_at=clock.now())


def of_age_note(member: Member) -> bool:
    """Note that a member is 18 or older now. Never the other way round: docs/safety.md says why. Whether it changed."""
    changed = Member.objects.filter(pk=member.pk, under_18=True).update(under_18=False) == 1
    member.under_18 = False
    return changed


def member_row_write(keyring: vault.Keyring, member: Member, place: vault.Place, payload: dict[str, Any]) -> None:
    """Write one of a member's own sealed rows."""
    with transaction.atomic():
        row = MemberRow.objects.select_for_update().filter(member=member, place=place).first()
        row = row or MemberRow(member=member, place=place)
        row.seal(keyring.self_key, payload)
        row.save()


# -- sessions -------------------------------------------------------------------------------------------------------


def device_kind(agent: str) -> str:
    """A coarse word for a device, read from its agent string, which is not kept."""
    lowered = agent.lower()
    if "ipad" in lowered or ("android" in lowered and "mobile" not in lowered):
        return OwnSession.Device.TABLET
    if "mobile" in lowered or "iphone" in lowered:
        return OwnSession.Device.PHONE
    if any(word in lowered for word in ("windows", "macintosh", "linux", "cros")):
        return OwnSession.Device.COMPUTER
    return OwnSession.Device.OTHER


def session_note(request: HttpRequest, member: Member) -> None:
    """List this session among the member's own."""
    if request.session.session_key is None:
        request.session.save()
    today = clock.now().date()
    OwnSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={"member": member, "last_day": today},
        create_defaults={
            "member": member,
            "device": device_kind(request.META.get("HTTP_USER_AGENT", "")),
            "first_day": today,
            "last_day": today,
        },
    )


def sessions_end(member: Member, *, keep: str | None = None, only: uuid.UUID | None = None) -> list[str]:
    """End a member's sessions: one by its id, or all but the one with key `keep`. Returns the keys that ended."""
    rows = OwnSession.objects.filter(member=member)
    if only is not None:
        rows = rows.filter(id=only)
    if keep is not None:
        rows = rows.exclude(session_key=keep)
    with transaction.atomic():
        ended = list(rows.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=ended).delete()
        rows.delete()
    return ended


# -- coming back ----------------------------------------------------------------------------------------------------

BACK = "back"
LONG_AWAY_DAYS = 14


def back_note(keys: RequestKeys, days: int) -> None:
    """Remember until tonight, sealed in this session, that somebody was away for long."""
    if days >= LONG_AWAY_DAYS:
        keys.keep(BACK, {"day": clock.now().date().isoformat()})


def is_back(keys: RequestKeys) -> bool:
    """Whether today is the day on which this member came back after two weeks or more."""
    kept = keys.kept(BACK)
    return kept is not None and kept.get("day") == clock.now().date().isoformat()


# -- what a lock saves ------------------------------------------------------------------------------------------------


def dropped_save(request: HttpRequest, keys: RequestKeys, path: str, fields: dict[str, str]) -> bool:
    """Save what was being typed, also while locked. Returns False if this session cannot even do that."""
    dropping = keys.drop_key()
    if dropping is None or not fields:
        return False
    key, key_wrap, wrap_id = dropping
    row = Dropped(member_id=request.user.pk, key_wrap=key_wrap, wrap_id=wrap_id)
    try:
        row.seal(key, {"path": path, "fields": fields, "at": clock.now().isoformat()})
    except vault.TooLarge:
        return False
    request.session[DROPPED_FLAG] = True
    with transaction.atomic():
        row.save()
        # One writes on one page at a time; a page that saves every second must not fill the table.
        stale = Dropped.objects.filter(member_id=request.user.pk, wrap_id=wrap_id).exclude(pk=row.pk)
        stale.filter(pk__in=list(stale.order_by("-id").values_list("pk", flat=True)[20:])).delete()
    return True


def dropped_flag(request: HttpRequest, member: Member) -> None:
    """After unlocking: note in the session whether there is something to offer back, so that pages need not look."""
    if Dropped.objects.filter(member=member).exists():
        request.session[DROPPED_FLAG] = True
    else:
        request.session.pop(DROPPED_FLAG, None)


@dataclass(frozen=True, slots=True)
class KeptText:
    id: uuid.UUID
    path: str
    fields: dict[str, str]


def dropped_read(member_id: uuid.UUID, keyring: vault.Keyring) -> list[KeptText]:
    """What was saved while locked, newest last; a later text for the same page and field replaces an earlier one."""
    found: dict[str, tuple[str, KeptText]] = {}
    for row in Dropped.objects.filter(member_id=member_id):
        context = vault.Context(vault.Place.SESSION_DROP_OWN, row.wrap_id, member_id)
        try:
            raw = vault.open_envelope(keyring.self_key, vault.Kind.SELF, context, row.key_wrap)
            payload = row.unseal(vault.Key(raw))
        except vault.VaultError:
            continue
        if payload["path"] not in found or found[payload["path"]][0] < payload["at"]:
            found[payload["path"]] = (payload["at"], KeptText(row.id, payload["path"], payload["fields"]))
    return [text for _at, text in sorted(found.values(), key=lambda pair: pair[0])]


def dropped_clear(member_id: uuid.UUID) -> None:
    """Forget everything that was saved while locked."""
    Dropped.objects.filter(member_id=member_id).delete()
