"""What somebody works on alone: sheets. A table of ids; what kind of sheet one is stands inside the envelope."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from closeknit import vault
from closeknit.web.sealed.models import SealedRow


class Sheet(SealedRow):
    """One ladder, one worry, one map of people, and so on. No column tells which."""

    PLACE = vault.Place.SHEET

    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sheets")

    @property
    def sealed_owner(self) -> uuid.UUID:
        return self.member_id
