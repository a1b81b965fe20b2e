"""How the data of an account is exported and erased."""

from __future__ import annotations

from typing import Any

from closeknit.web.sealed.kinds import delete_where, register

from .models import Dropped, Limit, Member, MemberRow, OwnSession, SecretWrap
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


register(Member, export=_member, erase=lambda member: int(Member.objects.filter(pk=member.pk).delete()[0]))
register(MemberRow, export=_rows, erase=delete_where(MemberRow, "member"))
register(
    SecretWrap, erase=delete_where(SecretWrap, "member"), why_not_exported="Wrapped keys open nothing anywhere else."
)
register(OwnSession, export=_sessions, erase=delete_where(OwnSession, "member"))
register(Dropped, export=_dropped, erase=delete_where(Dropped, "member"))
register(
    Limit,
    erase=lambda _member: 0,
    why_not_exported="Keyed hashes of tries; they name nobody, cannot be found by member, and end after a day.",
)
