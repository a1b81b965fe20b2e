"""Reading a member's own sealed rows."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from typing import Any

from closeknit import vault

from .keys import RequestKeys
from .models import Member, MemberRow


@dataclass(frozen=True, slots=True)
class Profile:
    """What a member calls themself, and where their days begin."""

    name: str
    zone: str
    #: Where Quick exit ends, after the plain page; empty: on the plain page.
    exit: str = ""

    @property
    def tzinfo(self) -> zoneinfo.ZoneInfo:
        try:
            return zoneinfo.ZoneInfo(self.zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return zoneinfo.ZoneInfo("UTC")


#: A member's settings that most pages need: read in one query.
_TOGETHER = (vault.Place.PROFILE, vault.Place.COACH)


def own_settings(keys: RequestKeys, member: Member, place: vault.Place) -> dict[str, Any]:
    """The signed-in member's own settings at a place of _TOGETHER; empty if they never set any. Raises keys.Locked."""
    if place not in keys.cache:
        rows = {row.place: row for row in MemberRow.objects.filter(member=member, place__in=_TOGETHER)}
        if vault.Place.PROFILE not in rows:
            raise MemberRow.DoesNotExist
        for one in _TOGETHER:
            keys.cache[one] = rows[one].unseal(keys.need.self_key) if one in rows else {}
    found: dict[str, Any] = keys.cache[place]
    return found


def profile_of(keys: RequestKeys, member: Member) -> Profile:
    """The signed-in member's own profile. Raises keys.Locked."""
    if "profile" not in keys.cache:
        payload = own_settings(keys, member, vault.Place.PROFILE)
        keys.cache["profile"] = Profile(payload.get("name", ""), payload.get("zone", "UTC"), payload.get("exit", ""))
    profile: Profile = keys.cache["profile"]
    return profile
