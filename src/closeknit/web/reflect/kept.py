"""What a member keeps at hand in Reflect: lessons, and the entry they are writing. Both are sealed among their own rows."""

from __future__ import annotations

from closeknit import vault
from closeknit.web.members.keys import RequestKeys
from closeknit.web.members.models import Member, MemberRow
from closeknit.web.members.services import member_row_write

PLACE = vault.Place.LIBRARY
DRAFT = vault.Place.JOURNAL_DRAFT


def kept(keys: RequestKeys, member: Member) -> list[str]:
    """The ids of kept lessons, in the order in which they were kept. One query. Raises keys.Locked."""
    row = MemberRow.objects.filter(member=member, place=PLACE).first()
    return [str(one) for one in row.unseal(keys.need.self_key).get("kept", ())] if row is not None else []


def keep(keys: RequestKeys, member: Member, lesson: str) -> None:
    """Keep a lesson, or let it go where it is kept already."""
    before = kept(keys, member)
    after = [one for one in before if one != lesson] if lesson in before else [*before, lesson]
    member_row_write(keys.need, member, PLACE, {"kept": after})


def draft(keys: RequestKeys, member: Member) -> str:
    """The entry that is being written, or empty. One query. Raises keys.Locked."""
    row = MemberRow.objects.filter(member=member, place=DRAFT).first()
    return str(row.unseal(keys.need.self_key).get("text", "")) if row is not None else ""


def draft_write(keys: RequestKeys, member: Member, text: str) -> None:
    """Save the entry that is being written."""
    member_row_write(keys.need, member, DRAFT, {"text": text})
