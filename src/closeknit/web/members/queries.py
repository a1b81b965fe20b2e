"""Reading a member's own sealed rows."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass

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


def profile_of(keys: RequestKeys, member: Member) -> Profile:
    """The signed-in member's own profile. Raises keys.Locked."""
    if "profile" not in keys.cache:
        row = MemberRow.objects.get(member=member, place=vault.Place.PROFILE)
        payload = row.unseal(keys.need.self_key)
        keys.cache["profile"] = Profile(payload.get("name", ""), payload.get("zone", "UTC"), payload.get("exit", ""))
    profile: Profile = keys.cache["profile"]
    return profile
