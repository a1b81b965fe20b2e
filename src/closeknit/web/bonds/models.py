"""Bonds, who is in them, their keys, and the two things everything in a bond is: items and events."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from closeknit import vault
from closeknit.web import clock
from closeknit.web.sealed.models import SealedField, SealedRow

MOST_MEMBERS = 12
INVITATION_LIFE = timedelta(days=7)
INVITATION_TRIES = 5
REFUSAL_REST = timedelta(days=30)
THREADS = ("madder", "woad", "weld", "moss", "plum", "teal", "walnut", "slate")


class Bond(models.Model):
    """Two or more members who chose to practise together. Its name lies sealed in a BondRow."""

    class Kind(models.TextChoices):
        PARTNERS = "partners", _("Partners")
        FRIENDS = "friends", _("Friends")
        FAMILY = "family", _("Family")
        CIRCLE = "circle", _("A circle")

    class LeaveRule(models.TextChoices):
        WORDS_LEAVE = "leave", _("Their words go with them")
        WORDS_STAY = "stay", _("Their words stay readable")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    leave_rule = models.CharField(max_length=5, choices=LeaveRule.choices)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    epoch = models.PositiveIntegerField(default=1)
    #: The present key is known to someone it should not serve any longer; the next writing request makes a new epoch.
    stale = models.BooleanField(default=False)
    #: Something was opened together: from here on invitations carry no key.
    opened_together = models.BooleanField(default=False)
    #: All have agreed to end it: nobody is in it any more.
    ended_at = models.DateTimeField(null=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="bonds")

    def __str__(self) -> str:
        return str(self.id)

    @property
    def most_members(self) -> int:
        return 2 if self.kind == Bond.Kind.PARTNERS else MOST_MEMBERS


class Membership(models.Model):
    """Who is in a bond, since when, and until when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="memberships")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    joined_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True)
    #: The first epoch whose key they were given this time. What was opened before it is none of theirs, even if they
    #: had been here once already.
    first_epoch = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bond", "member"], condition=Q(ended_at__isnull=True), name="in_a_bond_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class BondRow(SealedRow):
    """One sealed thing of a bond, or of one member in it, by place. Those under the bond's key live on through epochs."""

    SELF_PLACES = frozenset(
        {
            vault.Place.MEMBERSHIP_PINS,
            vault.Place.MEMBERSHIP_OWN,
            vault.Place.MEMBERSHIP_PAUSE,
            vault.Place.MEMBERSHIP_OPEN_AFTER,
        }
    )

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="rows")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="bond_rows")
    place = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bond", "member", "place"], name="one_bond_row_a_member_and_place"),
            models.UniqueConstraint(
                fields=["bond", "place"], condition=Q(member__isnull=True), name="one_bond_row_a_place"
            ),
        ]

    @property
    def KIND(self) -> vault.Kind:  # type: ignore[override]
        return vault.Kind.SELF if self.place in self.SELF_PLACES else vault.Kind.BOND

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.member_id.bytes if self.member_id else b"",)


class BondEpoch(models.Model):
    """One key of a bond: who made it, for whom. The roster holds ids and public keys, nothing secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="epochs")
    epoch = models.PositiveIntegerField()
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    roster = models.JSONField()
    made_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bond", "epoch"], name="one_key_an_epoch")]

    def __str__(self) -> str:
        return str(self.id)


class BondKey(SealedRow):
    """A bond's key of one epoch, under one member's self key."""

    PLACE = vault.Place.BOND_KEY
    PADDING = vault.Padding.CHOICE

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="keys")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bond_keys")
    epoch = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bond", "member", "epoch"], name="one_own_key_an_epoch")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.epoch.to_bytes(4, "big"),)


class Grant(models.Model):
    """A bond's key on its way to a mate; gone once they have opened it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="grants")
    epoch = models.PositiveIntegerField()
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants_sent")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants_received")
    envelope = SealedField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bond", "epoch", "recipient"], name="one_grant_an_epoch")]

    def __str__(self) -> str:
        return str(self.id)


class Invitation(models.Model):
    """A way in. The row knows a hash of the secret; the secret itself is in a link, a QR code or spoken words."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DONE = "done"
        DECLINED = "declined"
        RECALLED = "recalled"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="invitations")
    inviter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    newcomer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="accepted_invitations"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    card = SealedField()
    bond_key = SealedField(null=True)
    secret = SealedField(null=True)
    acceptance = SealedField(null=True)

    def __str__(self) -> str:
        return str(self.id)

    def context(self, place: vault.Place) -> vault.Context:
        return vault.Context(place, self.id, self.bond_id)


class Refusal(SealedRow):
    """A quiet no: this inviter's invitations do not open for this member until then; with no end, they never do.

    The body holds the name the inviter had on the invitation, so that its owner knows whom they blocked.
    """

    PLACE = vault.Place.REFUSAL

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refusals")
    inviter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refused")
    until = models.DateTimeField(null=True)
    body = SealedField(null=True)

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id


class Event(SealedRow):
    """Something that happened in a bond: a verb without words, chained to the one before it in its stream."""

    PLACE = vault.Place.EVENT
    KIND = vault.Kind.BOND

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="events")
    stream = models.UUIDField()
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="events_in_order")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.stream.bytes,)


class StreamHead(SealedRow):
    """How far one member has written along a stream, so that a cut tail is noticed."""

    PLACE = vault.Place.STREAM_HEAD
    PADDING = vault.Padding.CHOICE

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stream_heads")
    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="heads")
    stream = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "stream"], name="one_head_a_stream")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.stream.bytes,)


class Item(SealedRow):
    """A text under a key of its own, private or shared, that its author can take back. What was typed on a device that was
    passed round has no author: it belongs to its bond, whoever goes."""

    PLACE = vault.Place.ITEM
    KIND = vault.Kind.CONTENT

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="items")
    bond = models.ForeignKey(Bond, on_delete=models.SET_NULL, null=True, related_name="items")
    stream = models.UUIDField(db_index=True)

    @property
    def sealed_owner(self) -> uuid.UUID:
        owner: uuid.UUID = self.author_id or self.bond_id
        return owner

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.stream.bytes,)


class Wrap(SealedRow):
    """An item's key for one target: its author, or a bond's epoch. Sharing adds one, taking back deletes it."""

    class Target(models.TextChoices):
        SELF = "self"
        BOND = "bond"

    KIND = vault.Kind.WRAP
    PADDING = vault.Padding.CHOICE

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="wraps")
    target = models.CharField(max_length=4, choices=Target.choices)
    epoch = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "target"], name="one_wrap_a_target")]

    @property
    def sealed_place(self) -> vault.Place:
        return vault.Place.ITEM_WRAP_SELF if self.target == self.Target.SELF else vault.Place.ITEM_WRAP_BOND

    PLACE = vault.Place.ITEM_WRAP_SELF

    @property
    def sealed_owner(self) -> uuid.UUID:
        item = self.item
        owner: uuid.UUID = item.author_id if self.target == self.Target.SELF else item.bond_id
        return owner

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.item_id.bytes, self.item.revision.to_bytes(8, "big"))


class PrivateWord(SealedRow):
    """A text in the private part of an account: taken along from a bond, or brought from elsewhere. The body holds what
    is known about it (prompt, day, kind, bond); the text itself is the item."""

    PLACE = vault.Place.PRIVATE_WORD

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="private_words")
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="private_word")
    #: The month it was written in: what pages are sorted by, so that showing one need not open all.
    month = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["member", "-month"], name="private_words_newest")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.item_id.bytes,)
