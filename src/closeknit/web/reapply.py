"""After a restore, before anybody is served: do again what the journal says was done since the backup.

Needs no key. What it cannot do, making new keys and new credentials, it asks of those who can: bonds are marked stale,
so that the next writing request makes a new key, and members whose passphrase, kit or keys had been replaced are asked
for new ones at their next page.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from closeknit.web.bonds import erasing
from closeknit.web.bonds.models import Bond, Event, Grant, Invitation, Membership, StreamHead, Wrap
from closeknit.web.members.models import Factor, Member, SecretWrap
from closeknit.web.sealed import journal
from closeknit.web.sealed.journal import Note
from closeknit.web.sealed.models import Removal

CHUNK = 500
WAITING = (Invitation.State.OPEN, Invitation.State.DECLINED)


@dataclass
class Again:
    """What was done again."""

    removed: int = 0
    accounts: int = 0
    left: int = 0
    invitations: int = 0
    not_known: int = 0
    renew: list[str] = field(default_factory=list)
    bonds: set[uuid.UUID] = field(default_factory=set)


def _chunks(ids: Iterable[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    every = list(ids)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def apply(notes: Iterable[Note], taken_at: datetime) -> Again:
    """Do again what `notes` say, in one transaction. Notes from before the backup, or doubled, change nothing."""
    again = Again()
    removed: dict[str, set[uuid.UUID]] = defaultdict(set)
    ended: dict[str, dict[uuid.UUID, Note]] = defaultdict(dict)
    rotated: dict[str, dict[uuid.UUID, Note]] = defaultdict(dict)
    for note in notes:
        if note.kind == Removal.Kind.REMOVED:
            removed[note.label].add(note.row)
            continue
        latest = (ended if note.kind == Removal.Kind.ENDED else rotated)[note.label]
        if note.row not in latest or (note.revision, note.at) > (latest[note.row].revision, latest[note.row].at):
            latest[note.row] = note
    with transaction.atomic():
        _accounts(removed.pop("members.member", set()), again)
        for label, ids in removed.items():
            _rows(label, ids, again)
        _memberships(ended["bonds.membership"], again)
        _bonds_ended(ended["bonds.bond"])
        _invitations(ended["bonds.invitation"], again)
        _keys(rotated, taken_at, again)
        for chunk in _chunks(again.bonds):
            Bond.objects.filter(pk__in=chunk).update(stale=True)
    return again


def _accounts(ids: set[uuid.UUID], again: Again) -> None:
    """Erase accounts as their owners did."""
    for chunk in _chunks(ids):
        for member in Member.objects.filter(pk__in=chunk):
            again.bonds.update(Membership.objects.filter(member=member).values_list("bond_id", flat=True))
            erasing.erase_now(member)
            again.accounts += 1


def _rows(label: str, ids: set[uuid.UUID], again: Again) -> None:
    try:
        model = apps.get_model(label)
    except LookupError:
        again.not_known += len(ids)
        return
    for chunk in _chunks(ids):
        rows: Any = model._default_manager.filter(pk__in=chunk)
        found = list(rows.values_list("pk", flat=True))
        if not found:
            continue
        again.bonds.update(bond for bond in _bonds_of(model, rows) if bond is not None)
        if model is Event:
            # Whoever had written further on in such a stream would take the gap for a cut tail.
            StreamHead.objects.filter(stream__in=list(rows.values_list("stream", flat=True))).delete()
        if model is Factor:
            Authenticator.objects.filter(factor__in=found).delete()
        else:
            rows.delete()
        again.removed += len(found)


def _bonds_of(model: type[models.Model], rows: Any) -> list[uuid.UUID | None]:
    if model is Wrap:
        return list(rows.values_list("item__bond_id", flat=True))
    if any(one.name == "bond" for one in model._meta.concrete_fields):
        return list(rows.values_list("bond_id", flat=True))
    return []


def _memberships(notes: dict[uuid.UUID, Note], again: Again) -> None:
    for chunk in _chunks(notes):
        for membership in Membership.objects.filter(pk__in=chunk, ended_at__isnull=True):
            membership.ended_at = notes[membership.pk].at
            membership.save(update_fields=["ended_at"])
            Grant.objects.filter(bond_id=membership.bond_id, recipient_id=membership.member_id).delete()
            again.bonds.add(membership.bond_id)
            again.left += 1


def _bonds_ended(notes: dict[uuid.UUID, Note]) -> None:
    for chunk in _chunks(notes):
        for bond in Bond.objects.filter(pk__in=chunk, ended_at__isnull=True):
            bond.ended_at = notes[bond.pk].at
            bond.save(update_fields=["ended_at"])


def _invitations(notes: dict[uuid.UUID, Note], again: Again) -> None:
    """An invitation works once, and one that was recalled never again. Its secret may still be lying in a message."""
    for chunk in _chunks(notes):
        for invitation in Invitation.objects.filter(pk__in=chunk, state__in=[*WAITING, Invitation.State.ACCEPTED]):
            taken_up_before = invitation.state == Invitation.State.ACCEPTED
            if taken_up_before and notes[invitation.pk].revision == journal.TAKEN_UP:
                continue
            invitation.state = Invitation.State.ENDED
            invitation.bond_key = invitation.secret = None
            invitation.save()
            again.bonds.add(invitation.bond_id)
            again.invitations += 1


def _keys(rotated: dict[str, dict[uuid.UUID, Note]], taken_at: datetime, again: Again) -> None:
    renew: set[uuid.UUID] = set()
    for chunk in _chunks(rotated["bonds.bond"]):
        for pk, epoch in Bond.objects.filter(pk__in=chunk).values_list("pk", "epoch"):
            if epoch < rotated["bonds.bond"][pk].revision:
                again.bonds.add(pk)
    for chunk in _chunks(rotated["members.secretwrap"]):
        for pk, revision, member in SecretWrap.objects.filter(pk__in=chunk).values_list("pk", "revision", "member_id"):
            if revision < rotated["members.secretwrap"][pk].revision:
                renew.add(member)
    for chunk in _chunks(rotated["members.factor"]):
        for pk, revision in Factor.objects.filter(pk__in=chunk).values_list("pk", "revision"):
            if revision < rotated["members.factor"][pk].revision:
                # One of these codes was used since; it must not work again. Its owner can make new ones.
                again.removed += bool(Authenticator.objects.filter(factor=pk).delete()[0])
    # A public key has no revision; only the time says whether the backup has the old one.
    changed = {pk for pk, note in rotated["members.member"].items() if note.at > taken_at}
    for chunk in _chunks(changed):
        again.bonds.update(Membership.objects.filter(member_id__in=chunk).values_list("bond_id", flat=True))
    for chunk in _chunks(renew | changed):
        members = Member.objects.filter(pk__in=chunk)
        again.renew += members.order_by("username").values_list("username", flat=True)
        members.update(must_renew=True)
