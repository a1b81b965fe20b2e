"""Each kind of member data says, beside its model, how it is exported and how it is erased. tests/web/test_kinds.py
refuses a model without both; the export and the erasure that use them come with their own feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models

from closeknit import vault

from .models import SealedRow

Exporter = Callable[[Any, Any], Any]
Eraser = Callable[[Any], int]
Resealer = Callable[[Any, vault.Key, vault.Key], None]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of member data.

    export(member, opened): plain values, readable, of what this member wrote or may read; `opened` opens envelopes.
    erase(member): deletes or strips it; returns how many rows. Needs no key.
    reseal(member, old, new): moves what lies under the member's self key to a new one; None where nothing does.
    why_not_exported: for data that says nothing to its owner; a sentence that a reader would accept.
    """

    model: type[models.Model]
    export: Exporter | None
    erase: Eraser
    why_not_exported: str = ""
    reseal: Resealer | None = None


REGISTRY: dict[str, Kind] = {}


def register(
    model: type[models.Model],
    *,
    erase: Eraser,
    export: Exporter | None = None,
    why_not_exported: str = "",
    reseal: Resealer | None = None,
) -> None:
    """Register a model. Raises ValueError without an exporter or a reason for its absence, or for a second time."""
    label = model._meta.label_lower
    if label in REGISTRY:
        raise ValueError(f"{label} is registered already")
    if export is None and not why_not_exported:
        raise ValueError(f"{label} needs an exporter, or a reason why there is none")
    REGISTRY[label] = Kind(model, export, erase, why_not_exported, reseal)


def delete_where(model: type[models.Model], field: str) -> Eraser:
    """An eraser that deletes the rows whose `field` is the member."""

    def erase(member: Any) -> int:
        return int(model._default_manager.filter(**{field: member}).delete()[0])

    return erase


def reseal_where(model: type[SealedRow], field: str, *related: str, **only: Any) -> Resealer:
    """A resealer for the rows whose `field` is the member. related: what a row's context needs; only: further filters."""

    def reseal(member: Any, old: vault.Key, new: vault.Key) -> None:
        found = model._default_manager.filter(**{field: member}, body__isnull=False, **only).select_related(*related)
        batch = []
        for row in found.iterator(chunk_size=_BATCH):
            row.seal(new, row.unseal(old), epoch=vault.parse(row.body).epoch)
            batch.append(row)
            if len(batch) == _BATCH:
                model._default_manager.bulk_update(batch, ["body", "revision"])
                batch = []
        model._default_manager.bulk_update(batch, ["body", "revision"])

    return reseal
