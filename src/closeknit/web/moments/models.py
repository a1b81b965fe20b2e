"""A prompt opened in a bond. What happened to it are events, what was written are items; both lie in bonds."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from closeknit import vault
from closeknit.web import clock
from closeknit.web.bonds.models import Bond
from closeknit.web.sealed.models import SealedRow


class Moment(SealedRow):
    """One prompt in one bond. The body holds the prompt as it was worded then; its id is its stream of events."""

    PLACE = vault.Place.MOMENT_CARD
    KIND = vault.Kind.BOND

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="moments")
    epoch = models.PositiveIntegerField()
    opened_at = models.DateTimeField(default=clock.now)
    revealed_at = models.DateTimeField(null=True)

    class Meta:
        # One index alone: with a second one on revealed_at, SQLite prefers that and sorts the whole thread.
        indexes = [models.Index(fields=["bond", "-opened_at"], name="moments_newest")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id


class Draft(SealedRow):
    """What a member is still writing, or that they let this one pass. Theirs alone."""

    PLACE = vault.Place.DRAFT

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    moment = models.ForeignKey(Moment, on_delete=models.CASCADE, related_name="drafts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "moment"], name="one_draft_a_moment")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.moment_id.bytes,)


class OwnPrompt(SealedRow):
    """A prompt that a member wrote for a bond."""

    PLACE = vault.Place.OWN_PROMPT
    KIND = vault.Kind.BOND

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="own_prompts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_prompts")
    written_at = models.DateTimeField(default=clock.now)

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.author_id.bytes,)
