"""A member's own record of events: sealed, theirs alone, in their own time zone. Nothing about reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from closeknit import vault
from closeknit.web import clock

from .models import Member, OwnSession, RecordLine

MOST_LINES = 500


class What(StrEnum):
    """What is recorded. Values are stored: never renamed."""

    SIGNED_IN = "signed-in"
    RECOVERED = "recovered"
    PASSPHRASE = "passphrase"  # noqa: S105
    KIT = "kit"
    NEW_KEYS = "new-keys"
    SESSION_ENDED = "session-ended"
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    FACTOR_CODES = "factor-codes"
    COMPARED = "compared"
    EXPORTED = "exported"
    IMPORTED = "imported"
    LEFT = "left"
    DELETION_ASKED = "deletion-asked"
    DELETION_STOPPED = "deletion-stopped"
    OF_AGE = "of-age"


LABELS = {
    What.SIGNED_IN: _("Signed in"),
    What.RECOVERED: _("Came back with the recovery kit"),
    What.PASSPHRASE: _("Changed the passphrase"),
    What.KIT: _("Made a new recovery kit"),
    What.NEW_KEYS: _("Made new keys"),
    What.SESSION_ENDED: _("Ended a session"),
    What.FACTOR_ADDED: _("Added a second way to sign in"),
    What.FACTOR_REMOVED: _("Removed a second way to sign in"),
    What.FACTOR_CODES: _("Made new recovery codes"),
    What.COMPARED: _("Compared six words with somebody"),
    What.EXPORTED: _("Took a copy of everything"),
    What.IMPORTED: _("Brought words from elsewhere"),
    What.LEFT: _("Left a bond"),
    What.DELETION_ASKED: _("Asked for this account to be deleted"),
    What.DELETION_STOPPED: _("Kept this account after all"),
    What.OF_AGE: _("Said to be 18 or older now"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line, opened. device: a coarse word for the device, or empty."""

    label: str
    at: datetime
    device: str


def note(member: Member, keyring: vault.Keyring, what: What, *, device: str = "") -> None:
    """Add a line; the oldest beyond 500 go. A second writer at the same moment waits its turn."""
    with transaction.atomic():
        Member.objects.select_for_update().only("id").get(pk=member.pk)
        last = RecordLine.objects.filter(member=member).order_by("-number").values_list("number", flat=True).first()
        line = RecordLine(member=member, number=(last or 0) + 1)
        line.seal(keyring.self_key, {"what": what.value, "at": clock.now().isoformat(), "device": device})
        line.save(force_insert=True)
        RecordLine.objects.filter(member=member, number__lte=line.number - MOST_LINES).delete()


def days_away(member: Member, keyring: vault.Keyring) -> int:
    """Whole days since this member was last here, by their own list of sessions and this record; 0 if neither knows.

    Nothing is stored to know it: a session is listed with its last day anyway, and a sign-in has its line here.
    """
    days = list(OwnSession.objects.filter(member=member).order_by("-last_day").values_list("last_day", flat=True)[:1])
    line = RecordLine.objects.filter(member=member).order_by("-number").first()
    if line is not None:
        days.append(datetime.fromisoformat(line.unseal(keyring.self_key)["at"]).date())
    return (clock.now().date() - max(days)).days if days else 0


def read(member: Member, keyring: vault.Keyring, *, most: int = 100) -> list[Line]:
    """The newest lines first."""
    found = []
    for row in RecordLine.objects.filter(member=member).order_by("-number")[:most]:
        payload = row.unseal(keyring.self_key)
        label = LABELS.get(What(payload["what"])) if payload["what"] in What._value2member_map_ else payload["what"]
        found.append(Line(str(label), datetime.fromisoformat(payload["at"]), payload.get("device", "")))
    return found
