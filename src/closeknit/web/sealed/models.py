"""The only way words reach a table: sealed columns, and rows that know where they live."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core import checks
from django.db import models

from closeknit import vault


class Tampered(Exception):
    """Something sealed is not where or what it was: the database was changed from outside."""


class SealedField(models.BinaryField):
    """A column that takes envelopes and nothing else; clear text raises TypeError before it reaches the database."""

    description = "A sealed envelope"

    def get_prep_value(self, value: Any) -> bytes | None:
        value = super().get_prep_value(value)
        if value is None:
            return None
        if not isinstance(value, vault.Envelope):
            raise TypeError(f"{self.model.__name__}.{self.name} takes an envelope; seal the text first")
        return bytes(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        # BinaryField wraps prepared bytes for the driver; the check above has run by then.
        value = value if prepared else self.get_prep_value(value)
        return value if value is None else connection.Database.Binary(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> vault.Envelope | None:
        # Not parsed here: a damaged row must still load, so that the page can say what is wrong with it.
        return None if value is None else vault.Envelope(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: Any) -> str:
        return "<sealed>"


class SealedRow(models.Model):
    """A row with one sealed body. Its id is made before it is written, since the envelope is bound to it.

    A subclass names its `PLACE` (or has a `place` column) and says whose it is through `sealed_owner`.
    """

    PLACE: ClassVar[vault.Place | None] = None
    KIND: ClassVar[vault.Kind] = vault.Kind.SELF
    PADDING: ClassVar[vault.Padding] = vault.Padding.PROSE

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    body = SealedField()

    class Meta:
        abstract = True

    @property
    def sealed_owner(self) -> uuid.UUID:
        raise NotImplementedError

    @property
    def sealed_place(self) -> vault.Place:
        return self.PLACE if self.PLACE is not None else vault.Place(self.place)  # type: ignore[attr-defined]

    @property
    def sealed_extra(self) -> tuple[bytes, ...]:
        """Further columns that say what the body means: a row whose stream, moment or member was changed does not open."""
        return ()

    def sealed_context(self, previous: bytes = b"") -> vault.Context:
        return vault.Context(
            place=self.sealed_place,
            row=self.id,
            owner=self.sealed_owner,
            revision=self.revision,
            previous=previous,
            extra=self.sealed_extra,
        )

    def seal(self, key: vault.Key, payload: dict[str, Any], *, epoch: int = 0, previous: bytes = b"") -> None:
        """Put `payload` into the body. A row that is already stored moves to its next revision."""
        if not self._state.adding:
            self.revision += 1
        self.body = vault.seal(
            key, self.KIND, self.sealed_context(previous), vault.pack(payload), epoch=epoch, padding=self.PADDING
        )

    def unseal(self, key: vault.Key, *, previous: bytes = b"") -> dict[str, Any]:
        """The body's payload. Raises vault.VaultError if it does not open here with this key."""
        version, payload = vault.unpack(vault.open_envelope(key, self.KIND, self.sealed_context(previous), self.body))
        if version != 1:
            raise vault.UnknownVersion("payload version not known here")
        return payload

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        names = {field.name for field in cls._meta.fields}
        if not cls._meta.abstract and cls.PLACE is None and "place" not in names:
            found.append(
                checks.Error(
                    "a sealed row needs a place", hint="Set PLACE or add a place column.", obj=cls, id="closeknit.E001"
                )
            )
        return found


class Removal(models.Model):
    """A note that something is gone, or no longer what it was: for the journal, until it is in its file."""

    class Kind(models.TextChoices):
        REMOVED = "removed"
        ENDED = "ended"
        ROTATED = "rotated"

    label = models.CharField(max_length=60)
    row = models.UUIDField()
    revision = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField()
    kind = models.CharField(max_length=7, choices=Kind.choices)

    def __str__(self) -> str:
        return f"{self.kind} {self.label} {self.row}"
