"""Going: one's own choice, everyone's, or all others'. And what becomes of the words.

Leaving needs nobody's yes and no key but the leaver's own; it is one transaction, and nobody hears of it before it is
done. What was agreed when the bond began then happens: the leaver's words lose the bond's wraps, or what was shown
stays. Either way their own copies go to the private part of their account.

Two halves, since only their owner can take words along: `_go` is done by whoever acts, `take_along` by the one who went,
in the same transaction when they leave by themselves, and at their next visit when others ended it.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from closeknit import vault
from closeknit.web import clock, live
from closeknit.web.tasks import checkpoint_soon

from . import private, services, signals
from .models import Bond, BondKey, BondRow, Grant, Invitation, Item, Membership, StreamHead, Wrap
from .opened import OpenBond, Person
from .store import events_append, events_read, key_from

#: What of a member's rows stays readable where words stay: how they were called, or their words would be nobody's.
CARD = vault.Place.MEMBERSHIP_CARD


def bond_leave(opened: OpenBond) -> None:
    """Leave, at once and for good. Never makes the next key: that is for those who remain. Safe to repeat."""
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=opened.id)
        if not _present(bond).filter(member_id=opened.me.id).exists():
            return
        opened.bond.epoch = bond.epoch
        take_along(opened)
        _go(opened, bond, opened.me.id)
        _forget(bond, opened.me.id)
        _close_if_empty(bond)
    checkpoint_soon()


def member_remove(opened: OpenBond, member_id: uuid.UUID) -> None:
    """What all others agreed on: inside the transaction of the last yes, with the bond's row held."""
    bond = opened.bond
    _go(opened, bond, member_id)
    transaction.on_commit(checkpoint_soon)


def bond_end(opened: OpenBond) -> None:
    """What all agreed on: everyone goes at once, and every shared word is its author's alone again."""
    bond = opened.bond
    for person in opened.people:
        _go(opened, bond, person.id, words_leave=True)
    Wrap.objects.filter(item__bond=bond, target=Wrap.Target.BOND).delete()
    Item.objects.filter(bond=bond, author__isnull=True).delete()
    bond.ended_at = clock.now()
    bond.save(update_fields=["ended_at"])
    transaction.on_commit(checkpoint_soon)


def membership_erase(membership: Membership) -> None:
    """Take an account that is being deleted out of a bond. Needs no key: every word of theirs leaves, whatever was
    agreed; others' pages work out the rest."""
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=membership.bond_id)
        _go(None, bond, membership.member_id, words_leave=True)
        BondRow.objects.filter(bond=bond, member_id=membership.member_id).delete()
        _forget(bond, membership.member_id)
        _close_if_empty(bond)


def _present(bond: Bond) -> Any:
    return Membership.objects.filter(bond=bond, ended_at__isnull=True)


def _go(opened: OpenBond | None, bond: Bond, member_id: uuid.UUID, *, words_leave: bool = False) -> None:
    """End a membership and do what was agreed. Bond row held; `opened` is whoever acts, if they hold the key."""
    stay = bond.leave_rule == Bond.LeaveRule.WORDS_STAY and not words_leave
    writer = opened if opened is not None and opened.is_in else None
    signals.member_going.send(sender=Bond, bond=bond, member_id=member_id, words_stay=stay, opened=writer)
    if writer is not None:
        verb = {"v": 1, "verb": "left", "by": str(member_id), "at": clock.now().date().isoformat()}
        events_append(writer, bond.id, [verb])
    _present(bond).filter(member_id=member_id).update(ended_at=clock.now())
    rows = BondRow.objects.filter(bond=bond, member_id=member_id).exclude(place__in=BondRow.SELF_PLACES)
    if stay:
        rows = rows.exclude(place=CARD)
    else:
        Wrap.objects.filter(item__author_id=member_id, item__bond=bond, target=Wrap.Target.BOND).delete()
    rows.delete()
    _invitations_over(bond, member_id)
    Grant.objects.filter(bond=bond, recipient_id=member_id).delete()
    remaining = list(_present(bond).values_list("member_id", flat=True))
    if remaining and not bond.stale:
        bond.stale = True
        bond.save(update_fields=["stale"])
    transaction.on_commit(lambda: live.poke([*remaining, member_id], f"bond:{bond.id}", services.live_version()))


def _invitations_over(bond: Bond, member_id: uuid.UUID) -> None:
    """End what the one who goes had begun. Whoever they invited and nobody let in yet cannot be let in by anyone else."""
    waiting = {Invitation.State.OPEN, Invitation.State.DECLINED, Invitation.State.ACCEPTED}
    for invitation in Invitation.objects.filter(bond=bond, inviter_id=member_id, state__in=waiting):
        newcomer = invitation.newcomer_id
        if newcomer is not None and not BondKey.objects.filter(bond=bond, member_id=newcomer).exists():
            _present(bond).filter(member_id=newcomer).update(ended_at=clock.now())
        invitation.state = Invitation.State.ENDED
        invitation.bond_key = invitation.secret = None
        invitation.save()


def _stays(bond: Bond) -> bool:
    """Whether what someone shared stays when they go. When all ended the bond, nothing does."""
    return bond.leave_rule == Bond.LeaveRule.WORDS_STAY and bond.ended_at is None


def _forget(bond: Bond, member_id: uuid.UUID) -> None:
    """From here on they can open nothing of this bond, not even with an old page; their items are no longer its own."""
    BondKey.objects.filter(bond=bond, member_id=member_id).delete()
    StreamHead.objects.filter(bond=bond, member_id=member_id).delete()
    BondRow.objects.filter(bond=bond, member_id=member_id, place__in=BondRow.SELF_PLACES).delete()
    items = Item.objects.filter(author_id=member_id, bond=bond)
    if _stays(bond):
        # What nobody was ever shown is only the private copy now.
        items.exclude(Exists(Wrap.objects.filter(item=OuterRef("pk"), target=Wrap.Target.BOND))).delete()
    else:
        items.update(bond=None)


def _close_if_empty(bond: Bond) -> None:
    """Delete a bond that nobody is in any more and nobody still has words to take from."""
    if _present(bond).exists() or BondKey.objects.filter(bond=bond).exists():
        return
    Wrap.objects.filter(item__bond=bond, target=Wrap.Target.BOND).delete()
    Item.objects.filter(bond=bond, author__isnull=True).delete()
    bond.delete()


# -- taking along -----------------------------------------------------------------------------------------------------


def take_along(opened: OpenBond) -> None:
    """Put every word of mine in this bond, with the prompt it answered, into the private part of my account.

    Where words leave, the items themselves move there; where they stay, so does a private copy. Drafts come along too.
    """
    stay = _stays(opened.bond)
    about: dict[uuid.UUID, dict[str, Any]] = {}
    drafts: list[dict[str, Any]] = []
    for _receiver, (mine, unsent) in signals.words_wanted.send(sender=Bond, opened=opened):
        about |= mine
        drafts += unsent
    kept = []
    wraps = Wrap.objects.filter(item__author_id=opened.me.id, item__bond_id=opened.id, target=Wrap.Target.SELF)
    for wrap in wraps.select_related("item").iterator(chunk_size=500):
        entry = {"kind": "words", **about.get(wrap.item_id, {}), "bond": opened.name}
        if stay:
            key = key_from(wrap.unseal(opened.keyring.self_key)["k"])
            text = wrap.item.unseal(key)["text"]
            kept.append((None, {**entry, "text": text, "source": str(wrap.item_id)}))
        else:
            kept.append((wrap.item, entry))
    kept += [(None, {**draft, "bond": opened.name}) for draft in drafts]
    private.words_keep(opened.me.id, opened.keyring, kept)
    signals.words_taken.send(sender=Bond, opened=opened)


def take_along_all(member_id: uuid.UUID, keyring: vault.Keyring) -> None:
    """At the next visit of someone whose membership others ended: their words come along now, then the keys go."""
    mine = BondKey.objects.filter(member_id=member_id)
    here = Membership.objects.filter(member_id=member_id, ended_at__isnull=True, bond__ended_at__isnull=True)
    for bond_id in set(mine.exclude(bond_id__in=here.values("bond_id")).values_list("bond_id", flat=True)):
        with transaction.atomic():
            bond = Bond.objects.select_for_update().get(pk=bond_id)
            opened = _reopened(bond, member_id, keyring)
            if not _left(opened):
                # The row says that they are gone, no sealed event does: somebody changed the database. Keep the keys.
                continue
            take_along(opened)
            _forget(bond, member_id)
            _close_if_empty(bond)


def _left(opened: OpenBond) -> bool:
    """Whether the bond's own sealed events say that I am in it no longer."""
    here = True
    for verb in events_read(opened, [opened.id])[opened.id]:
        if str(opened.me.id) in verb.get("keys", {}):
            here = True
        elif verb["verb"] == "left" and verb["by"] == str(opened.me.id):
            here = False
    return not here


def _reopened(bond: Bond, member_id: uuid.UUID, keyring: vault.Keyring) -> OpenBond:
    """A bond that this member is in no longer, with the keys they still hold: to find their own words, no one else's."""
    keys = {
        own.epoch: key_from(own.unseal(keyring.self_key)["k"])
        for own in BondKey.objects.filter(bond=bond, member_id=member_id)
    }
    me = Person(member_id, "", "slate", True)
    opened = OpenBond(bond=bond, keyring=keyring, me=me, others=(), keys=keys, name="")
    card = BondRow.objects.filter(bond=bond, member__isnull=True, place=vault.Place.BOND_CARD).first()
    if card is not None and vault.parse(card.body).epoch in keys:
        opened.name = opened.row_payload(card).get("name", "")
    return opened
