"""How the data of an account is exported and erased."""

from __future__ import annotations

from collections.abc import Iterator

from allauth.mfa.models import Authenticator

from closeknit import vault
from closeknit.web.sealed.kinds import UNREADABLE, Entry, Reading, delete_where, in_pages, register, reseal_where

from . import factors
from .models import Dropped, Factor, Limit, Member, MemberRow, OwnSession, RecordLine, SecretWrap
from .services import dropped_read


def _member(reading: Reading) -> Iterator[Entry]:
    member = reading.member
    yield (
        "account",
        {
            "sign_in_name": member.username,
            "email": member.email,
            "joined": member.date_joined.isoformat(),
            "lock_minutes": member.lock_minutes,
            "theme": member.theme,
            "language": member.language,
            "discreet": member.discreet,
            "under_18": member.under_18,
            "deleted_on": member.erase_at.isoformat() if member.erase_at else None,
        },
    )


def _rows(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(MemberRow.objects.filter(member=reading.member)):
        try:
            yield "settings", {"place": row.place, "values": row.unseal(reading.keyring.self_key)}
        except vault.VaultError:
            yield UNREADABLE, {"what": "settings", "id": str(row.id)}


def _sessions(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(OwnSession.objects.filter(member=reading.member)):
        yield "sessions", {"device": row.device, "first": row.first_day.isoformat(), "last": row.last_day.isoformat()}


def _dropped(reading: Reading) -> Iterator[Entry]:
    for text in dropped_read(reading.member.pk, reading.keyring):
        yield "unsent", {"path": text.path, "fields": dict(text.fields)}


def _record(reading: Reading) -> Iterator[Entry]:
    for row in in_pages(RecordLine.objects.filter(member=reading.member)):
        try:
            yield "record", {"number": row.number, **row.unseal(reading.keyring.self_key)}
        except vault.VaultError:
            yield UNREADABLE, {"what": "record", "id": str(row.id)}


def _reseal_dropped(member: Member, old: vault.Key, new: vault.Key) -> None:
    for row in Dropped.objects.filter(member=member):
        where = vault.Context(vault.Place.SESSION_DROP_OWN, row.wrap_id, member.pk)
        plain = vault.open_envelope(old, vault.Kind.SELF, where, row.key_wrap)
        row.key_wrap = vault.seal(new, vault.Kind.SELF, where, plain, padding=vault.Padding.CHOICE)
        row.save(update_fields=["key_wrap"])


def _void_factors(member: Member, _old: vault.Key, _new: vault.Key) -> None:
    """Not moved but removed: whoever had the old secret could read an app's secret and the codes, and may have added a
    passkey of their own."""
    factors.remove_all(member)


register(Member, export=_member, erase=lambda member: int(Member.objects.filter(pk=member.pk).delete()[0]))
register(
    MemberRow,
    export=_rows,
    erase=delete_where(MemberRow, "member"),
    reseal=reseal_where(MemberRow, "member"),
)
register(
    RecordLine,
    export=_record,
    erase=delete_where(RecordLine, "member"),
    reseal=reseal_where(RecordLine, "member"),
)
register(
    SecretWrap, erase=delete_where(SecretWrap, "member"), why_not_exported="Wrapped keys open nothing anywhere else."
)
register(
    Authenticator,
    erase=delete_where(Authenticator, "user"),
    why_not_exported="What a second way to sign in is called here; it opens nothing anywhere else.",
)
register(
    Factor,
    erase=delete_where(Factor, "member"),
    reseal=_void_factors,
    why_not_exported="Secrets of second ways to sign in open nothing anywhere else; a copy would only weaken them.",
)
register(OwnSession, export=_sessions, erase=delete_where(OwnSession, "member"))
register(Dropped, export=_dropped, erase=delete_where(Dropped, "member"), reseal=_reseal_dropped)
register(
    Limit,
    erase=lambda _member: 0,
    why_not_exported="Keyed hashes of tries; they name nobody, cannot be found by member, and end after a day.",
)
