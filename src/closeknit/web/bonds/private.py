"""The private part of an account: words of one's own that belong to no bond, or no longer to one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from closeknit import vault
from closeknit.web import clock
from closeknit.web.sealed.kinds import in_pages
from closeknit.web.sealed.models import Tampered

from .models import Item, PrivateWord, Wrap
from .store import key_from, key_text

PAGE = 50
_BATCH = 500
_READ = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """One private text, opened. at: when it was written, as far as known. source: what it is known by wherever it has
    been, so that bringing it twice brings it once."""

    id: uuid.UUID
    text: str
    prompt: str
    kind: str
    bond: str
    at: datetime | None
    source: str
    feelings: tuple[str, ...] = ()
    #: Whom or what it is about, in its writer's own words.
    tags: tuple[str, ...] = ()
    changed: datetime | None = None


def words_keep(
    member_id: uuid.UUID, keyring: vault.Keyring, entries: Iterable[tuple[Item | None, dict[str, Any]]]
) -> int:
    """Put texts into the private part. Call inside a transaction. Returns how many.

    entries: (an item of this member's that is here already, or None and then `text` in the entry; what is known about
    it: prompt, kind, at (ISO time), bond, and source if the text had another id elsewhere).
    """
    count = 0
    items: list[Item] = []
    wraps: list[Wrap] = []
    words: list[PrivateWord] = []

    def flush() -> None:
        Item.objects.bulk_create(items)
        Wrap.objects.bulk_create(wraps)
        PrivateWord.objects.bulk_create(words)
        for rows in (items, wraps, words):
            rows.clear()

    for item, entry in entries:
        about = {name: value for name, value in entry.items() if name != "text"}
        if item is None:
            item, wrap = _private_item(member_id, keyring, entry["text"])
            items.append(item)
            wraps.append(wrap)
        word = PrivateWord(member_id=member_id, item=item, month=_month(about.get("at")))
        word.seal(keyring.self_key, about)
        words.append(word)
        count += 1
        if len(words) >= _BATCH:
            flush()
    flush()
    return count


def _private_item(member_id: uuid.UUID, keyring: vault.Keyring, text: str) -> tuple[Item, Wrap]:
    key = vault.Key.new()
    item = Item(author_id=member_id, bond=None, stream=uuid.uuid4())
    item.seal(key, {"text": text})
    wrap = Wrap(item=item, target=Wrap.Target.SELF)
    wrap.seal(keyring.self_key, {"k": key_text(key)})
    return item, wrap


def _month(at: str | None) -> date:
    moment = datetime.fromisoformat(at) if at else clock.now()
    return moment.date().replace(day=1)


def words_read(
    member_id: uuid.UUID, keyring: vault.Keyring, page: int = 1, month: date | None = None
) -> tuple[list[Kept], bool]:
    """(one page of a member's private texts, of one month or the newest first; whether there are more). Two queries."""
    rows = PrivateWord.objects.filter(member_id=member_id).order_by("-month", "id")
    rows = rows if month is None else rows.filter(month=month)
    shown = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    return [kept for _row, kept in _opened(shown[:PAGE], keyring, strict=True) if kept], len(shown) > PAGE


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a private text that is not opened yet."""

    row: PrivateWord
    kind: str
    at: datetime | None


def words_known(member_id: uuid.UUID, keyring: vault.Keyring, months: Iterable[date]) -> list[Known]:
    """What is known about all private texts of some months, the newest first. One query, and no text is opened.
    Raises Tampered."""
    found = []
    for row in PrivateWord.objects.filter(member_id=member_id, month__in=list(months)):
        try:
            about = row.unseal(keyring.self_key)
        except vault.VaultError:
            raise Tampered from None
        at = about.get("at")
        found.append(Known(row, about.get("kind", "words"), datetime.fromisoformat(at) if at else None))
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: one.at or oldest, reverse=True)


def words_open(known: Iterable[Known], keyring: vault.Keyring) -> list[Kept]:
    """Those texts, opened, in the same order. One query. Raises Tampered."""
    return [kept for _row, kept in _opened([one.row for one in known], keyring, strict=True) if kept]


def words_months(member_id: uuid.UUID) -> list[date]:
    """The months that have private texts, newest first."""
    rows = PrivateWord.objects.filter(member_id=member_id).order_by("-month")
    return list(rows.values_list("month", flat=True).distinct())


def words_all(member_id: uuid.UUID, keyring: vault.Keyring) -> Iterator[tuple[PrivateWord, Kept | None]]:
    """All of a member's private texts, newest month first, in short reads; None beside a row that does not open."""
    rows, after = PrivateWord.objects.filter(member_id=member_id).order_by("-month", "id"), None
    while True:
        # One bound on the month for the index, one for where in the month the last page ended.
        following = rows
        if after is not None:
            beyond = Q(month__lt=after.month) | Q(month=after.month, id__gt=after.id)
            following = rows.filter(beyond, month__lte=after.month)
        page = list(following[:_READ])
        yield from _opened(page, keyring, strict=False)
        if len(page) < _READ:
            return
        after = page[-1]


def words_sources(member_id: uuid.UUID, keyring: vault.Keyring) -> dict[str, tuple[uuid.UUID, str]]:
    """By what each private text is known by elsewhere: (its id here, its kind). Opens what is known about each, not the
    texts. Raises Tampered."""
    found = {}
    for row in in_pages(PrivateWord.objects.filter(member_id=member_id)):
        try:
            about = row.unseal(keyring.self_key)
        except vault.VaultError:
            raise Tampered from None
        found[about.get("source", str(row.item_id))] = (row.id, about.get("kind", "words"))
    return found


def _opened(
    rows: list[PrivateWord], keyring: vault.Keyring, *, strict: bool
) -> Iterator[tuple[PrivateWord, Kept | None]]:
    wraps = Wrap.objects.filter(item_id__in=[row.item_id for row in rows], target=Wrap.Target.SELF)
    own = {wrap.item_id: wrap for wrap in wraps.select_related("item")}
    for row in rows:
        try:
            yield row, _kept(row, own, keyring)
        except Tampered:
            if strict:
                raise
            yield row, None


def _kept(row: PrivateWord, own: dict[uuid.UUID, Wrap], keyring: vault.Keyring) -> Kept:
    try:
        about = row.unseal(keyring.self_key)
        wrap = own[row.item_id]
        text = wrap.item.unseal(key_from(wrap.unseal(keyring.self_key)["k"]))["text"]
    except (vault.VaultError, KeyError):
        raise Tampered from None
    at = about.get("at")
    return Kept(
        id=row.id,
        text=text,
        prompt=about.get("prompt", ""),
        kind=about.get("kind", "words"),
        bond=about.get("bond", ""),
        at=datetime.fromisoformat(at) if at else None,
        source=about.get("source", str(row.item_id)),
        feelings=tuple(str(one) for one in about.get("feelings", ())),
        tags=tuple(str(one) for one in about.get("tags", ())),
        changed=datetime.fromisoformat(about["changed"]) if about.get("changed") else None,
    )


def word_read(member_id: uuid.UUID, keyring: vault.Keyring, word_id: uuid.UUID) -> Kept | None:
    """One private text, opened; None if there is none. Raises Tampered."""
    row = PrivateWord.objects.filter(pk=word_id, member_id=member_id).first()
    return None if row is None else next(kept for _row, kept in _opened([row], keyring, strict=True))


def word_rewrite(
    member_id: uuid.UUID, keyring: vault.Keyring, word_id: uuid.UUID, text: str, more: dict[str, Any]
) -> bool:
    """Give a private text other words; `more` replaces what is known about it by the same names. Its day stays. Returns
    whether there was one."""
    with transaction.atomic():
        row = PrivateWord.objects.filter(pk=word_id, member_id=member_id).select_related("item").first()
        if row is None:
            return False
        wrap = Wrap.objects.get(item=row.item, target=Wrap.Target.SELF)
        try:
            about = row.unseal(keyring.self_key)
            wrap.unseal(keyring.self_key)
        except vault.VaultError:
            raise Tampered from None
        # A key of its own for the new words; its wrap is tied to the text's revision.
        key = vault.Key.new()
        row.item.seal(key, {"text": text})
        row.item.save()
        wrap.item = row.item
        wrap.seal(keyring.self_key, {"k": key_text(key)})
        wrap.save()
        row.seal(keyring.self_key, {**about, **more, "changed": clock.now().isoformat()})
        row.save()
    return True


def word_delete(member_id: uuid.UUID, word_id: uuid.UUID) -> bool:
    """Delete one private text for good. Returns whether there was one."""
    with transaction.atomic():
        row = PrivateWord.objects.filter(pk=word_id, member_id=member_id).select_related("item").first()
        if row is None:
            return False
        row.delete()
        row.item.delete()
    return True
