"""How the data of an account is exported and erased."""

from __future__ import annotations

from typing import Any

from closeknit import vault
from closeknit.web.sealed.kinds import delete_where, register, reseal_where

from .models import Dropped, Limit, Member, MemberRow, OwnSession, RecordLine, SecretWrap
from .services import dropped_read


def _member(member: Member, _keyring: Any) -> dict[str, Any]:
    return {
        "sign_in_name": member.username,
        "joined": member.date_joined.isoformat(),
        "lock_minutes": member.lock_minutes,
        "theme": member.theme,
    }


def _rows(member: Member, keyring: Any) -> list[dict[str, Any]]:
    return [{"place": row.place, **row.unseal(keyring.self_key)} for row in MemberRow.objects.filter(member=member)]


def _sessions(member: Member, _keyring: Any) -> list[dict[str, str]]:
    rows = OwnSession.objects.filter(member=member)
    return [{"device": r.device, "first": r.first_day.isoformat(), "last": r.last_day.isoformat()} for r in rows]


def _dropped(member: Member, keyring: Any) -> list[dict[str, str]]:
    return [dict(text.fields) for text in dropped_read(member.pk, keyring)]


def _record(member: Member, keyring: Any) -> list[dict[str, str]]:
    return [row.unseal(keyring.self_key) for row in RecordLine.objects.filter(member=member).order_by("number")]


def _reseal_dropped(member: Member, old: vault.Key, new: vault.Key) -> None:
    for row in Dropped.objects.filter(member=member):
        where = vault.Context(vault.Place.SESSION_DROP_OWN, row.wrap_id, member.pk)
        plain = vault.open_envelope(old, vault.Kind.SELF, where, row.key_wrap)
        row.key_wrap = vault.seal(new, vault.Kind.SELF, where, plain, padding=vault.Padding.CHOICE)
        row.save(update_fields=["key_wrap"])


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
register(OwnSession, export=_sessions, erase=delete_where(OwnSession, "member"))
register(Dropped, export=_dropped, erase=delete_where(Dropped, "member"), reseal=_reseal_dropped)
register(
    Limit,
    erase=lambda _member: 0,
    why_not_exported="Keyed hashes of tries; they name nobody, cannot be found by member, and end after a day.",
)
