"""A guided conversation in a bond. What happened in it are events, what was typed are items; both lie in bonds."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from closeknit import vault
from closeknit.web import clock
from closeknit.web.bonds.models import Bond
from closeknit.web.sealed.models import SealedRow


class Dialogue(SealedRow):
    """One dialogue. The body holds the script as it was worded then, and who was asked; its id is its stream."""

    PLACE = vault.Place.DIALOGUE_CARD
    KIND = vault.Kind.BOND

    bond = models.ForeignKey(Bond, on_delete=models.CASCADE, related_name="dialogues")
    epoch = models.PositiveIntegerField()
    asked_at = models.DateTimeField(default=clock.now)
    #: When it ended, or when the question lapsed or was taken back. What pages sort by; the state itself is sealed.
    over_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["bond", "-asked_at"], name="dialogues_newest")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.bond_id


class DialogueOwn(SealedRow):
    """What only one member knows of a dialogue: what they are typing, a scratch line, how it was for them. Padded alike."""

    PLACE = vault.Place.DIALOGUE_OWN

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dialogues_own")
    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="own_rows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "dialogue"], name="one_own_row_a_dialogue")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.dialogue_id.bytes,)


class DialogueChoice(SealedRow):
    """One member's private input to a decision of all: how deep to go on, whether to keep what was typed. Only its
    chooser's page loads it, until the decision is due."""

    PLACE = vault.Place.DIALOGUE_CHOICE
    KIND = vault.Kind.BOND

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dialogue_choices")
    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="choices")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "dialogue"], name="one_choice_a_dialogue")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.dialogue.bond_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.member_id.bytes, self.dialogue_id.bytes)
