"""Deleting an account: asked for in one's own session, carried out by a job or at once. Needs no key."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction

from closeknit.web import clock, live
from closeknit.web.members import services as members
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import REGISTRY
from closeknit.web.tasks import checkpoint_soon

from . import leaving
from .models import BondEpoch, Grant, Membership

log = logging.getLogger("closeknit.erasing")
COOLING_OFF = timedelta(days=7)


def erase_ask(member: Member) -> datetime:
    """Delete this account in seven days; until then its owner can change their mind. Others are told nothing."""
    member.erase_at = clock.now() + COOLING_OFF
    member.save(update_fields=["erase_at"])
    return member.erase_at


def erase_stop(member: Member) -> None:
    """Keep the account after all."""
    member.erase_at = None
    member.save(update_fields=["erase_at"])


def erase_now(member: Member) -> None:
    """Delete an account and every word of it, in one transaction; its sessions end first."""
    member_id = member.pk
    for session in members.sessions_end(member):
        live.close_streams(session)
    with transaction.atomic():
        # Held, so that no page of theirs that is still under way adds a row meanwhile.
        Member.objects.select_for_update().filter(pk=member_id).first()
        for membership in Membership.objects.filter(member=member, ended_at__isnull=True):
            leaving.membership_erase(membership)
        for kind in reversed(list(REGISTRY.values())):
            kind.erase(member)
        roster_forget(member_id)
        transaction.on_commit(checkpoint_soon)


def erase_due() -> int:
    """Delete the accounts whose seven days are over. For the job; returns how many."""
    due, erased = Member.objects.filter(erase_at__lte=clock.now()), 0
    for member_id in list(due.values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                # Read under the lock: its owner may have changed their mind since.
                for member in due.select_for_update().filter(pk=member_id):
                    erase_now(member)
                    erased += 1
        except Exception as error:  # whatever is wrong with one must not keep the others' words here
            log.error("not-erased account=%s error=%s", member_id, type(error).__name__)
    if erased:
        log.info("erased accounts=%d", erased)
    return erased


def roster_forget(member_id: uuid.UUID) -> None:
    """Take an erased id out of the rosters. One that a grant on its way is bound to keeps it until that was opened."""
    bound = set(Grant.objects.values_list("bond_id", "epoch").distinct())
    for row in BondEpoch.objects.filter(roster__has_key=str(member_id)):
        if (row.bond_id, row.epoch) not in bound:
            del row.roster[str(member_id)]
            row.save(update_fields=["roster"])
