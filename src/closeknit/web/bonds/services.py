"""Founding, inviting, joining, and handing keys on. Each is one short transaction."""

from __future__ import annotations

import base64
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from closeknit import vault
from closeknit.method import gate
from closeknit.web import clock, live
from closeknit.web.members.models import Member
from closeknit.web.members.strength import word_list

from . import signals
from .models import (
    INVITATION_LIFE,
    INVITATION_TRIES,
    REFUSAL_REST,
    Bond,
    BondEpoch,
    BondKey,
    BondRow,
    Grant,
    Invitation,
    Membership,
    Refusal,
)
from .opened import OpenBond, Person, Tampered, key_for
from .store import Stale, events_append, events_read, hold, key_from, key_text


class InvitationOver(Exception):
    """The link was used, recalled, declined, has ended, or was never there: one answer for all."""


class BondFull(Exception):
    """No more members fit."""


def live_version() -> int:
    """The version of a page about a whole bond: milliseconds, taken when it changes and when it is drawn."""
    return int(clock.now().timestamp() * 1000)


# -- rows -----------------------------------------------------------------------------------------------------------


def row_write(
    opened: OpenBond, place: vault.Place, payload: dict[str, Any], *, member: uuid.UUID | None = None
) -> BondRow:
    """Write one of the bond's sealed rows, under the bond's key or, where the place says so, my self key."""
    row = BondRow.objects.filter(bond_id=opened.id, member_id=member, place=place).first()
    row = row or BondRow(bond_id=opened.id, member_id=member, place=place)
    if row.KIND is vault.Kind.SELF:
        row.seal(opened.keyring.self_key, payload)
    else:
        row.seal(opened.key, payload, epoch=opened.epoch)
    row.save()
    return row


def row_read(opened: OpenBond, place: vault.Place, *, member: uuid.UUID | None = None) -> dict[str, Any] | None:
    """Read one of the bond's sealed rows, or None. Raises Tampered if it does not open."""
    row = BondRow.objects.filter(bond_id=opened.id, member_id=member, place=place).first()
    if row is None:
        return None
    try:
        return row.unseal(opened.keyring.self_key) if row.KIND is vault.Kind.SELF else opened.row_payload(row)
    except vault.VaultError:
        raise Tampered from None


def verb_of(opened: OpenBond, verb: str, **more: Any) -> dict[str, Any]:
    """A verb of the bond's own stream: what, by whom, on which day."""
    return {"v": 1, "verb": verb, "by": str(opened.me.id), "at": clock.now().date().isoformat(), **more}


def _own_key_write(
    bond_id: uuid.UUID, member_id: uuid.UUID, keyring: vault.Keyring, epoch: int, key: vault.Key
) -> None:
    own = BondKey(bond_id=bond_id, member_id=member_id, epoch=epoch)
    own.seal(keyring.self_key, {"k": key_text(key)}, epoch=epoch)
    own.save(force_insert=True)


def _first_rows(opened: OpenBond) -> None:
    """What every membership carries from its first day, set or not, so that its being there says nothing."""
    me = opened.me
    row_write(opened, vault.Place.MEMBERSHIP_CARD, {"name": me.name, "thread": me.thread}, member=me.id)
    row_write(opened, vault.Place.MEMBERSHIP_WISHES, {"level": 1, "not": []}, member=me.id)
    open_after_first(opened)
    row_write(opened, vault.Place.MEMBERSHIP_VOTES, {}, member=me.id)
    row_write(opened, vault.Place.MEMBERSHIP_PAUSE, {"paused": False}, member=me.id)


def open_after_first(opened: OpenBond) -> None:
    """The day that the private check before joint exercises keeps, from a membership's first day on, and random: it says
    nothing about whether anybody was asked, or what they answered."""
    day = gate.open_after(clock.now().date(), passed=False, chance=secrets.SystemRandom().random())
    row_write(opened, vault.Place.MEMBERSHIP_OPEN_AFTER, {"after": day.isoformat()}, member=opened.me.id)


# -- pins -----------------------------------------------------------------------------------------------------------


def pins_read(opened: OpenBond) -> dict[uuid.UUID, bytes]:
    """The public keys I hold my mates to, sealed in my own row when each was first met."""
    payload = row_read(opened, vault.Place.MEMBERSHIP_PINS, member=opened.me.id) or {}
    return {uuid.UUID(member): bytes.fromhex(public) for member, public in payload.get("keys", {}).items()}


def pins_write(opened: OpenBond, pins: dict[uuid.UUID, bytes]) -> None:
    """Replace my pins. Adding is for people met through an invitation or a sealed event; never from a table's column."""
    keys = {str(member): public.hex() for member, public in pins.items()}
    row_write(opened, vault.Place.MEMBERSHIP_PINS, {"keys": keys}, member=opened.me.id)


def pins_learn(opened: OpenBond) -> dict[uuid.UUID, bytes]:
    """My pins, with those added whom sealed events of this bond introduced. Nobody already pinned is ever replaced."""
    pins = pins_read(opened)
    for verb in events_read(opened, [opened.id])[opened.id]:
        for member, public in verb.get("keys", {}).items():
            pins.setdefault(uuid.UUID(member), bytes.fromhex(public))
    return pins


def pins_met(opened: OpenBond) -> dict[uuid.UUID, bytes]:
    """As `pins_learn`, and with the people I invited: what they answered is sealed with the secret only we two knew."""
    pins = pins_learn(opened)
    for invitation in _accepted(opened):
        answer = _acceptance(opened, invitation)
        if answer is not None:
            pins.setdefault(uuid.UUID(answer["member"]), bytes.fromhex(answer["key"]))
    return pins


# -- founding ---------------------------------------------------------------------------------------------------------


def bond_create(
    member: Member,
    keyring: vault.Keyring,
    *,
    kind: str,
    leave_rule: str,
    name: str,
    own_name: str,
    thread: str,
    strict: bool = False,
) -> OpenBond:
    """Found a bond with its first key, alone so far. Rooms open what they need in the same transaction."""
    bond = Bond(kind=kind, leave_rule=leave_rule)
    key = vault.Key.new()
    opened = OpenBond(
        bond=bond,
        keyring=keyring,
        me=Person(member.pk, own_name, thread, True, member.is_host),
        others=(),
        keys={1: key},
        name=name,
    )
    with transaction.atomic():
        bond.save(force_insert=True)
        Membership.objects.create(bond=bond, member=member)
        _epoch_note(bond, member, {member.pk: keyring.box.public})
        _own_key_write(bond.id, member.pk, keyring, 1, key)
        about = {"name": name, "kind": bond.kind, "leave": bond.leave_rule, "strict": strict}
        opened.rows[(None, vault.Place.BOND_CARD)] = row_write(opened, vault.Place.BOND_CARD, about)
        _first_rows(opened)
        pins_write(opened, {member.pk: keyring.box.public})
        keys = {str(member.pk): keyring.box.public.hex()}
        events_append(opened, bond.id, [verb_of(opened, "founded", keys=keys)])
        signals.bond_founded.send(sender=Bond, opened=opened)
    return opened


def _epoch_note(bond: Bond, maker: Member, roster: dict[uuid.UUID, bytes]) -> None:
    BondEpoch.objects.create(
        bond=bond, epoch=bond.epoch, maker=maker, roster={str(m): public.hex() for m, public in roster.items()}
    )


# -- inviting ---------------------------------------------------------------------------------------------------------


def places_left(opened: OpenBond) -> int:
    """How many more people fit, open invitations counted."""
    waiting = Invitation.objects.filter(
        bond_id=opened.id, state=Invitation.State.OPEN, expires_at__gt=clock.now()
    ).count()
    return opened.bond.most_members - len(opened.people) - waiting


def invitation_create(opened: OpenBond) -> tuple[Invitation, bytes]:
    """An open invitation and its secret. It carries the bond's key as long as nothing was opened together.

    Raises BondFull, Stale.
    """
    secret = vault.new_invitation_secret()
    under = vault.invitation_key(secret)
    with transaction.atomic():
        bond = hold(opened)
        if places_left(opened) <= 0:
            raise BondFull
        now = clock.now()
        invitation = Invitation(
            bond=bond,
            inviter_id=opened.me.id,
            secret_hash=vault.invitation_hash(secret),
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )

        def sealed(place: vault.Place, payload: dict[str, Any], kind: vault.Kind, key: vault.Key) -> vault.Envelope:
            return vault.seal(key, kind, invitation.context(place), vault.pack(payload))

        card = {
            "bond": opened.name,
            "inviter": opened.me.name,
            "key": opened.keyring.box.public.hex(),
            "threads": [person.thread for person in opened.people],
            "kind": bond.kind,
            "leave": bond.leave_rule,
        }
        invitation.card = sealed(vault.Place.INVITATION_CARD, card, vault.Kind.INVITATION, under)
        own = {"s": base64.b64encode(secret).decode("ascii")}
        invitation.secret = sealed(vault.Place.INVITATION_SECRET, own, vault.Kind.SELF, opened.keyring.self_key)
        if not (bond.opened_together or together_noted(opened)):
            carried = {"k": key_text(opened.key), "epoch": opened.epoch}
            invitation.bond_key = sealed(vault.Place.INVITATION_KEY, carried, vault.Kind.INVITATION, under)
        invitation.save(force_insert=True)
    return invitation, secret


def invitation_secret(opened: OpenBond, invitation: Invitation) -> bytes | None:
    """The secret of one of my own open invitations, to show it again; None once it is over."""
    if invitation.inviter_id != opened.me.id or invitation.secret is None:
        return None
    raw = vault.open_envelope(
        opened.keyring.self_key,
        vault.Kind.SELF,
        invitation.context(vault.Place.INVITATION_SECRET),
        invitation.secret,
    )
    return base64.b64decode(vault.unpack(raw)[1]["s"])


def invitation_words(secret: bytes) -> str:
    """The secret as words that can be said aloud."""
    return " ".join(vault.to_words(secret, word_list()))


def parse_invitation_secret(typed: str) -> bytes | None:
    """The secret from a link's fragment or from words, or None if it is neither."""
    text = typed.strip().lstrip("#")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if " " not in text and len(text) < 60 else b""
    except (ValueError, UnicodeEncodeError):
        raw = b""
    if len(raw) == 20:
        return raw
    try:
        return vault.from_words(text.lower().split(), word_list(), 20)
    except ValueError:
        return None


def secret_fragment(secret: bytes) -> str:
    """The secret as it stands behind the # of a link."""
    return base64.urlsafe_b64encode(secret).decode("ascii").rstrip("=")


def _over(invitation: Invitation, state: str) -> None:
    """End an invitation. If it carried the bond's key, that key has been lying about: the next writer makes another."""
    if invitation.bond_key is not None:
        Bond.objects.filter(pk=invitation.bond_id).update(stale=True)
    invitation.state = state
    invitation.bond_key = invitation.secret = None
    invitation.save()


def invitation_recall(opened: OpenBond, invitation_id: uuid.UUID) -> None:
    """Take one of my invitations back. Raises InvitationOver if it is not open."""
    with transaction.atomic():
        Bond.objects.select_for_update().get(pk=opened.id)
        invitation = Invitation.objects.filter(
            pk=invitation_id, bond_id=opened.id, inviter_id=opened.me.id, state__in=["open", "declined"]
        ).first()
        if invitation is None:
            raise InvitationOver
        _over(invitation, Invitation.State.RECALLED)


def invitations_expire() -> int:
    """End what has run out: needs no key, so a job may do it. Returns how many."""
    ended = 0
    for invitation in Invitation.objects.filter(
        state__in=["open", "declined"], expires_at__lte=clock.now()
    ).select_related("bond"):
        with transaction.atomic():
            Bond.objects.select_for_update().get(pk=invitation.bond_id)
            _over(invitation, Invitation.State.ENDED)
        ended += 1
    return ended


def together_note(opened: OpenBond) -> None:
    """Something was opened together: from here on a link alone opens nothing. Said in a sealed event, too, since the
    column can be put back by whoever writes to the database. Inside the transaction that opens it."""
    bond = opened.bond
    bond.opened_together = True
    bond.save(update_fields=["opened_together"])
    strip_keys(bond)
    if not together_noted(opened):
        events_append(opened, opened.id, [verb_of(opened, "together")])


def together_noted(opened: OpenBond) -> bool:
    """Whether a sealed event of this bond says that something was opened together."""
    return any(verb["verb"] == "together" for verb in events_read(opened, [opened.id])[opened.id])


def strip_keys(bond: Bond) -> None:
    """Take the bond's key out of pending invitations. Call in the transaction of a first reveal or a new epoch."""
    Invitation.objects.filter(bond=bond, bond_key__isnull=False).update(bond_key=None)


# -- joining ----------------------------------------------------------------------------------------------------------


def invitation_open(invitation_id: uuid.UUID, secret: bytes) -> tuple[Invitation, dict[str, Any]]:
    """The invitation and its opened card, for whoever has the secret.

    Five wrong secrets end it. Raises InvitationOver for a wrong secret and for everything else alike.
    """
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(of=("self",)).select_related("bond").filter(pk=invitation_id).first()
        )
        if invitation is None or invitation.state != Invitation.State.OPEN or invitation.expires_at <= clock.now():
            raise InvitationOver
        if vault.invitation_hash(secret) == bytes(invitation.secret_hash):
            raw = vault.open_envelope(
                vault.invitation_key(secret),
                vault.Kind.INVITATION,
                invitation.context(vault.Place.INVITATION_CARD),
                invitation.card,
            )
            card = vault.unpack(raw)[1]
            if (card["kind"], card["leave"]) != (invitation.bond.kind, invitation.bond.leave_rule):
                raise Tampered
            return invitation, card
        invitation.wrong_tries += 1
        invitation.save(update_fields=["wrong_tries"])
        if invitation.wrong_tries >= INVITATION_TRIES:
            _over(invitation, Invitation.State.ENDED)
    raise InvitationOver


def invitation_decline(
    invitation_id: uuid.UUID, secret: bytes, member: Member | None, keyring: vault.Keyring | None, *, block: bool = False
) -> None:
    """A quiet no: to the inviter it looks like no answer. For a member it also rests this pair for 30 days, or, with
    `block`, until the member changes their mind."""
    invitation, card = invitation_open(invitation_id, secret)
    with transaction.atomic():
        invitation.state = Invitation.State.DECLINED
        invitation.save(update_fields=["state"])
        if member is not None and keyring is not None:
            until = None if block else clock.now() + REFUSAL_REST
            refusal = Refusal(member=member, inviter_id=invitation.inviter_id, until=until)
            refusal.seal(keyring.self_key, {"name": card.get("inviter", "")})
            refusal.save(force_insert=True)


def refused(member: Member, inviter_id: uuid.UUID) -> bool:
    """Whether this member said no to this inviter within the last 30 days, or blocked them."""
    lasting = Q(until__isnull=True) | Q(until__gt=clock.now())
    return Refusal.objects.filter(lasting, member=member, inviter_id=inviter_id).exists()


def blocked(member: Member, keyring: vault.Keyring) -> list[tuple[uuid.UUID, str]]:
    """Whom a member blocked: (id of the block, the name on the invitation)."""
    rows = Refusal.objects.filter(member=member, until__isnull=True)
    return [(row.id, row.unseal(keyring.self_key)["name"]) for row in rows if row.body is not None]


def unblock(member: Member, refusal_id: uuid.UUID) -> None:
    """Let someone's invitations open again."""
    Refusal.objects.filter(member=member, pk=refusal_id).delete()


def invitation_accept(
    member: Member, keyring: vault.Keyring, invitation_id: uuid.UUID, secret: bytes, *, name: str, thread: str
) -> Bond:
    """Join. With the bond's key in the invitation one is in at once; otherwise the inviter lets one in when next here.

    Raises InvitationOver, BondFull.
    """
    invitation, card = invitation_open(invitation_id, secret)
    if invitation.inviter_id == member.pk or refused(member, invitation.inviter_id):
        raise InvitationOver
    under = vault.invitation_key(secret)
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=invitation.bond_id)
        invitation = Invitation.objects.select_for_update().get(pk=invitation_id)
        if invitation.state != Invitation.State.OPEN:
            raise InvitationOver
        present = Membership.objects.filter(bond=bond, ended_at__isnull=True)
        if present.filter(member=member).exists():
            raise InvitationOver
        if present.count() >= bond.most_members:
            raise BondFull
        Membership.objects.create(bond=bond, member=member, first_epoch=bond.epoch)
        answer = {"member": str(member.pk), "key": keyring.box.public.hex(), "name": name, "thread": thread}
        invitation.acceptance = vault.seal(
            under,
            vault.Kind.INVITATION,
            invitation.context(vault.Place.INVITATION_ACCEPTANCE),
            vault.pack(answer),
        )
        invitation.state = Invitation.State.ACCEPTED
        invitation.newcomer = member
        carried = invitation.bond_key
        invitation.bond_key = None
        invitation.save()
        me = Person(member.pk, name, thread, True, member.is_host)
        opened = OpenBond(bond=bond, keyring=keyring, me=me, others=(), keys={}, name=card["bond"])
        pins = {member.pk: keyring.box.public, invitation.inviter_id: bytes.fromhex(card["key"])}
        pins_write(opened, pins)
        if carried is not None and not bond.opened_together:
            _enter_with_carried_key(opened, invitation, under, carried)
        others = list(present.exclude(member=member).values_list("member_id", flat=True))
        transaction.on_commit(lambda: live.poke(others, f"bond:{bond.pk}", live_version()))
    return bond


def _enter_with_carried_key(
    opened: OpenBond, invitation: Invitation, under: vault.Key, carried: vault.Envelope
) -> None:
    raw = vault.open_envelope(under, vault.Kind.INVITATION, invitation.context(vault.Place.INVITATION_KEY), carried)
    payload = vault.unpack(raw)[1]
    if payload["epoch"] != opened.bond.epoch:
        return
    opened.keys[payload["epoch"]] = key_from(payload["k"])
    if together_noted(opened):
        # The key was put back into the invitation: wait to be let in, like everyone who comes later.
        opened.keys.clear()
        return
    _own_key_write(opened.id, opened.me.id, opened.keyring, payload["epoch"], opened.key)
    _first_rows(opened)
    keys = {str(opened.me.id): opened.keyring.box.public.hex()}
    events_append(opened, opened.id, [verb_of(opened, "joined", keys=keys)])
    pins_write(opened, pins_learn(opened))
    signals.bond_joined.send(sender=Bond, opened=opened)


# -- keys on their way ------------------------------------------------------------------------------------------------


def settle(opened: OpenBond) -> bool:
    """Do what this member's presence makes possible: open a grant that waits, let in whom they invited, and have the row
    that every membership has from its first day.

    Returns whether anything changed, so that the caller reads the bond again. No query when there is nothing to do.
    """
    changed = False
    if not opened.is_in:
        changed = grant_accept(opened)
    elif opened.someone_waits:
        changed = newcomers_let_in(opened)
    if opened.is_in and (opened.me.id, vault.Place.MEMBERSHIP_OPEN_AFTER) not in opened.rows:
        with transaction.atomic():
            open_after_first(opened)
        changed = True
    return changed


def _accepted(opened: OpenBond) -> Any:
    return Invitation.objects.filter(
        bond_id=opened.id, inviter_id=opened.me.id, state=Invitation.State.ACCEPTED, newcomer__isnull=False
    )


def newcomers_let_in(opened: OpenBond) -> bool:
    """Pin the people I invited, and hand the next epoch's key to those who came without one."""
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=opened.id)
        if bond.epoch != opened.epoch:
            return False
        pins, waiting = pins_learn(opened), False
        for invitation in _accepted(opened).select_for_update():
            answer = _acceptance(opened, invitation)
            if answer is None:
                _over(invitation, Invitation.State.ENDED)
                continue
            newcomer = uuid.UUID(answer["member"])
            pins.setdefault(newcomer, bytes.fromhex(answer["key"]))
            if not BondKey.objects.filter(bond=bond, member_id=newcomer).exists():
                waiting = True
                Membership.objects.filter(bond=bond, member_id=newcomer, ended_at__isnull=True).update(
                    first_epoch=bond.epoch + 1
                )
                _newcomer_rows(opened, newcomer, answer)
            invitation.state = Invitation.State.DONE
            invitation.secret = None
            invitation.save()
        pins_write(opened, pins)
        if waiting:
            epoch_make(opened, bond, pins)
    return True


def _newcomer_rows(opened: OpenBond, newcomer: uuid.UUID, answer: dict[str, Any]) -> None:
    card = {"name": answer.get("name", ""), "thread": answer.get("thread", "slate")}
    row_write(opened, vault.Place.MEMBERSHIP_CARD, card, member=newcomer)
    row_write(opened, vault.Place.MEMBERSHIP_WISHES, {"level": 1, "not": []}, member=newcomer)
    row_write(opened, vault.Place.MEMBERSHIP_VOTES, {}, member=newcomer)


def _acceptance(opened: OpenBond, invitation: Invitation) -> dict[str, Any] | None:
    """What the newcomer answered, if it is theirs: sealed with the secret only they and I knew."""
    secret = invitation_secret(opened, invitation)
    if secret is None or invitation.acceptance is None:
        return None
    try:
        raw = vault.open_envelope(
            vault.invitation_key(secret),
            vault.Kind.INVITATION,
            invitation.context(vault.Place.INVITATION_ACCEPTANCE),
            invitation.acceptance,
        )
    except vault.VaultError:
        return None
    answer = vault.unpack(raw)[1]
    return answer if answer["member"] == str(invitation.newcomer_id) else None


def epoch_make(opened: OpenBond, bond: Bond, pins: dict[uuid.UUID, bytes]) -> None:
    """Make the next key, grant it to everyone who is in the bond and pinned, reseal what lives on. Bond row held.

    Someone whose stored public key is not the pinned one gets no grant: that is the sign of a planted key.
    """
    present = list(Membership.objects.filter(bond=bond, ended_at__isnull=True).select_related("member"))
    roster = {
        m.member_id: pins[m.member_id]
        for m in present
        if m.member_id in pins and bytes(m.member.public_key) == pins[m.member_id]
    }
    new_key, old_key = vault.Key.new(), opened.key
    old = dict(opened.keys)
    bond.epoch += 1
    bond.stale = False
    bond.save(update_fields=["epoch", "stale"])
    opened.bond.epoch, opened.bond.stale = bond.epoch, False
    opened.keys[bond.epoch] = new_key
    maker = next(m.member for m in present if m.member_id == opened.me.id)
    _epoch_note(bond, maker, roster)
    _own_key_write(bond.id, opened.me.id, opened.keyring, bond.epoch, new_key)
    for member_id, public in roster.items():
        if member_id != opened.me.id:
            _grant_write(opened, bond, member_id, public, roster, new_key, vault.key_check(old_key))
    _reseal(opened, bond, old)
    strip_keys(bond)
    keys = {str(m): public.hex() for m, public in roster.items()}
    events_append(opened, bond.id, [verb_of(opened, "epoch", epoch=bond.epoch, keys=keys)])
    signals.epoch_made.send(sender=Bond, bond=bond, old=old, opened=opened)
    signals.epoch_entered.send(sender=Bond, opened=opened)
    others = [member_id for member_id in roster if member_id != opened.me.id]
    transaction.on_commit(lambda: live.poke(others, f"bond:{bond.pk}", live_version()))


def _grant_write(
    opened: OpenBond,
    bond: Bond,
    recipient: uuid.UUID,
    public: bytes,
    roster: dict[uuid.UUID, bytes],
    key: vault.Key,
    previous_check: bytes,
    epoch: int | None = None,
) -> None:
    epoch = epoch or bond.epoch
    grant = Grant(bond=bond, epoch=epoch, sender_id=opened.me.id, recipient_id=recipient)
    grant.envelope = vault.make_grant(
        sender=opened.keyring.box,
        recipient_public=public,
        grant_id=grant.id,
        bond_id=bond.id,
        epoch=epoch,
        sender_id=opened.me.id,
        recipient_id=recipient,
        roster=vault.roster_hash(roster),
        bond_key=key,
        previous_check=previous_check,
    )
    grant.save(force_insert=True)


def _reseal(opened: OpenBond, bond: Bond, old: dict[int, vault.Key]) -> None:
    for row in BondRow.objects.filter(bond=bond):
        if row.KIND is vault.Kind.BOND:
            payload = row.unseal(key_for(old, row.body))
            row.seal(opened.key, payload, epoch=opened.epoch)
            row.save()


def grant_accept(opened: OpenBond) -> bool:
    """Open the grants that wait for me, oldest first; each row becomes my own sealed copy. Returns whether any did.

    Refused, and left lying: a sender I have not pinned, one who left by the bond's own sealed events, an epoch that skips,
    a key that does not follow from the one I hold, a roster in which my own key is another's. That a mate's key there is
    not the one I know is no reason: whoever granted it compared words with them, and I may not have yet.
    """
    accepted = False
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=opened.id)
        pins = pins_met(opened)
        epochs = {row.epoch: row for row in BondEpoch.objects.filter(bond=bond)}
        for grant in Grant.objects.filter(bond=bond, recipient_id=opened.me.id).order_by("epoch"):
            key = _grant_open(opened, grant, pins, epochs)
            if key is None:
                break
            _own_key_write(bond.id, opened.me.id, opened.keyring, grant.epoch, key)
            opened.keys[grant.epoch] = key
            grant.delete()
            accepted = True
        if accepted:
            opened.bond.epoch = bond.epoch
            if opened.is_in:
                pins_write(opened, pins_met(opened))
                signals.epoch_entered.send(sender=Bond, opened=opened)
    return accepted


def _grant_open(
    opened: OpenBond, grant: Grant, pins: dict[uuid.UUID, bytes], epochs: dict[int, BondEpoch]
) -> vault.Key | None:
    made = epochs.get(grant.epoch)
    last = max(opened.keys, default=None)
    if made is None or grant.sender_id not in pins:
        return None
    if last is not None and grant.epoch != last + 1:
        return None
    if last is not None and str(grant.sender_id) not in _roster_sealed(opened, last):
        return None
    roster = {uuid.UUID(member): bytes.fromhex(public) for member, public in made.roster.items()}
    if roster.get(opened.me.id, opened.keyring.box.public) != opened.keyring.box.public:
        return None
    try:
        key, previous = vault.open_grant(
            recipient=opened.keyring.box,
            sender_public=pins[grant.sender_id],
            raw=grant.envelope,
            grant_id=grant.id,
            bond_id=grant.bond_id,
            epoch=grant.epoch,
            sender_id=grant.sender_id,
            recipient_id=opened.me.id,
            roster=vault.roster_hash(roster),
        )
    except vault.VaultError:
        return None
    if last is not None and previous != vault.key_check(opened.keys[last]):
        return None
    return key


def _roster_sealed(opened: OpenBond, epoch: int) -> set[str]:
    """Who held the key of that epoch, by sealed events: the roster's column alone could be rewritten."""
    found: dict[int, set[str]] = {}
    number, present = opened.first_epoch, set()
    for verb in events_read(opened, [opened.id])[opened.id]:
        keys = set(verb.get("keys", {}))
        if verb["verb"] == "epoch":
            number, present = verb["epoch"], keys
        else:
            present = present - {verb["by"]} if verb["verb"] == "left" else present | keys
        found[number] = present
    return found.get(epoch, set())


def refresh_if_stale(opened: OpenBond) -> bool:
    """The next writing request after a key went astray makes a new one first. Returns whether it did."""
    if not opened.is_in or not (opened.bond.stale or Bond.objects.filter(pk=opened.id, stale=True).exists()):
        return False
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=opened.id)
        if not bond.stale or bond.epoch != opened.epoch:
            return False
        pins = pins_met(opened)
        pins_write(opened, pins)
        _catch_up(opened, bond, pins)
        epoch_make(opened, bond, pins)
    return True


def mates_catch_up(opened: OpenBond) -> bool:
    """Give mates who missed keys those keys, one grant an epoch, if I know their public key and hold what they lack.

    Somebody misses keys whose own were new and not compared yet, or whose grant went with an account that was deleted.
    Who has never held one is let in by whoever invited them, not here. Returns whether anything was granted.
    """
    if not opened.is_in:
        return False
    with transaction.atomic():
        bond = Bond.objects.select_for_update().get(pk=opened.id)
        return _catch_up(opened, bond, pins_read(opened))


def _catch_up(opened: OpenBond, bond: Bond, pins: dict[uuid.UUID, bytes]) -> bool:
    granted = False
    rosters = {row.epoch: row.roster for row in BondEpoch.objects.filter(bond=bond)}
    for membership in Membership.objects.filter(bond=bond, ended_at__isnull=True).select_related("member"):
        mate, public = membership.member_id, bytes(membership.member.public_key)
        if mate == opened.me.id or pins.get(mate) != public:
            continue
        held = set(BondKey.objects.filter(bond=bond, member_id=mate).values_list("epoch", flat=True))
        sent = set(Grant.objects.filter(bond=bond, recipient_id=mate).values_list("epoch", flat=True))
        for epoch in range(max(held, default=bond.epoch) + 1, bond.epoch + 1):
            if epoch in sent:
                continue
            if not {epoch, epoch - 1} <= set(opened.keys):
                break
            roster = {uuid.UUID(m): bytes.fromhex(key) for m, key in rosters[epoch].items()}
            check = vault.key_check(opened.keys[epoch - 1])
            _grant_write(opened, bond, mate, public, roster, opened.keys[epoch], check, epoch=epoch)
            granted = True
    return granted


def pin_again(opened: OpenBond, member_id: uuid.UUID, public: bytes) -> None:
    """The two of us compared words and they were the same: from now on I hold them to this key.

    Raises Stale if the key in the database changed since the words were shown.
    """
    with transaction.atomic():
        Bond.objects.select_for_update().get(pk=opened.id)
        if bytes(Member.objects.get(pk=member_id).public_key) != public:
            raise Stale
        pins_write(opened, {**pins_read(opened), member_id: public})


def membership_change(opened: OpenBond, *, name: str, thread: str) -> None:
    """Change how I appear in this bond."""
    with transaction.atomic():
        hold(opened)
        card = {**(opened.loaded(vault.Place.MEMBERSHIP_CARD, opened.me.id) or {}), "name": name, "thread": thread}
        row_write(opened, vault.Place.MEMBERSHIP_CARD, card, member=opened.me.id)
    opened.me = replace(opened.me, name=name, thread=thread)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed for everyone in a bond: what, who did it, on which day."""

    verb: str
    person: Person
    day: date | None


def changes(opened: OpenBond, *, most: int = 8) -> list[Change]:
    """What changed for all, newest first, so that nobody can be told they imagined it."""
    found = []
    for verb in reversed(events_read(opened, [opened.id])[opened.id]):
        if verb["verb"] not in {"epoch", "together"}:
            day = date.fromisoformat(verb["at"]) if "at" in verb else None
            found.append(Change(verb["verb"], opened.person(verb["by"]), day))
    return found[:most]


# -- resting ----------------------------------------------------------------------------------------------------------


def pause_write(opened: OpenBond, *, paused: bool, openly: bool) -> None:
    """Rest here, or come back. Only I know, unless I let the others see it. Nothing that is open changes by it."""
    with transaction.atomic():
        if opened.is_in:
            hold(opened)
            card = opened.loaded(vault.Place.MEMBERSHIP_CARD, opened.me.id) or {}
            if bool(card.get("rests")) != (paused and openly):
                row_write(opened, vault.Place.MEMBERSHIP_CARD, {**card, "rests": paused and openly}, member=opened.me.id)
        row_write(opened, vault.Place.MEMBERSHIP_PAUSE, {"paused": paused}, member=opened.me.id)
