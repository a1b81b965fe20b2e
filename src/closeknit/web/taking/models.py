"""What somebody brought from elsewhere and has not said yes to yet."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from closeknit import vault
from closeknit.web import clock
from closeknit.web.sealed.models import SealedRow


class Arrival(SealedRow):
    """A part of a file between looking at it and bringing it in: sealed, and gone within two hours.

    Number 0 is what the page says about the whole; it is written last, so that a file that broke off counts for nothing.
    The others hold some words each.
    """

    PLACE = vault.Place.ARRIVAL

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="arrivals")
    number = models.PositiveIntegerField()
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "number"], name="one_arrival_a_number")]

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id
