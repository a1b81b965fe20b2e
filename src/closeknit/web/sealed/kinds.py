"""Each kind of member data says, beside its model, how it is exported and how it is erased. tests/web/test_kinds.py
refuses a model without both. An exporter is a generator: it reads in short pages, so that a copy of everything needs
little memory and holds up nobody's writes, however long it takes to be carried away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from closeknit import vault

from .models import SealedRow

#: (the section of a copy, one entry of it): plain values, as content/schema/export.schema.json describes them.
Entry = tuple[str, dict[str, Any]]
#: What does not open is named here, so that one damaged row does not keep its owner from all the others.
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reading:
    """Whoever takes a copy of what is theirs, and what opens it. bonds: those they are in, opened."""

    member: Any
    keyring: vault.Keyring
    bonds: Sequence[Any] = field(repr=False, default=())


Exporter = Callable[[Reading], Iterator[Entry]]
Eraser = Callable[[Any], int]
Resealer = Callable[[Any, vault.Key, vault.Key], None]
_BATCH = 500
#: Rows that one query of an export reads.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of member data.

    export(reading): what this member wrote or may read, entry by entry, in short reads.
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


def in_pages(rows: models.QuerySet[Any]) -> Iterator[Any]:
    """The rows in the order of their ids, a page a query: no cursor stays open between them."""
    rows, last = rows.order_by("pk"), None
    while True:
        page = list((rows if last is None else rows.filter(pk__gt=last))[:PAGE])
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].pk


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
