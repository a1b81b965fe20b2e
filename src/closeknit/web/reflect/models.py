"""What somebody works on alone: sheets, of which no column tells the kind, and the pictures in their journal."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from closeknit import vault
from closeknit.web.bonds.models import PrivateWord
from closeknit.web.sealed.models import SealedRow


class Sheet(SealedRow):
    """One ladder, one worry, one map of people, and so on. No column tells which."""

    PLACE = vault.Place.SHEET

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sheets")

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id


class Picture(SealedRow):
    """What is known about a picture in the journal: what is on it, its size, how many parts. It goes with its entry."""

    PLACE = vault.Place.PICTURE

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pictures")
    word = models.ForeignKey(PrivateWord, on_delete=models.CASCADE, related_name="pictures")

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.word_id.bytes,)


class PicturePart(SealedRow):
    """A piece of a picture, as large as an envelope holds. number: from 0."""

    PLACE = vault.Place.PICTURE_PART

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["picture", "number"], name="one_part_of_a_number"),)

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.picture.member_id

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        return (self.picture_id.bytes, self.number.to_bytes(2, "big"))
