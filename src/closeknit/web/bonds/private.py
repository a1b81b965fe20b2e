"""The private part of an account: words of one's own that belong to no bond, or no longer to one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from closeknit import vault
from closeknit.web import clock
from closeknit.web.sealed.models import Tampered

from .models import Item, PrivateWord, Wrap
from .store import key_from, key_text

PAGE = 50
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """One private text, opened. at: when it was written, as far as known."""

    id: uuid.UUID
    text: str
    prompt: str
    kind: str
    bond: str
    at: datetime | None


def words_keep(
    member_id: uuid.UUID, keyring: vault.Keyring, entries: Iterable[tuple[Item | None, dict[str, Any]]]
) -> int:
    """Put texts into the private part. Call inside a transaction. Returns how many.

    entries: (an item of this member's that is here already, or None and then `text` in the entry; what is known about
    it: prompt, kind, at (ISO time), bond).
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


def words_read(member_id: uuid.UUID, keyring: vault.Keyring, page: int = 1) -> tuple[list[Kept], bool]:
    """(one page of a member's private texts, newest month first; whether there are more). Two queries."""
    rows = PrivateWord.objects.filter(member_id=member_id).order_by("-month", "id")
    shown = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    wraps = Wrap.objects.filter(item_id__in=[row.item_id for row in shown[:PAGE]], target=Wrap.Target.SELF)
    own = {wrap.item_id: wrap for wrap in wraps.select_related("item")}
    return [_kept(row, own, keyring) for row in shown[:PAGE] if row.item_id in own], len(shown) > PAGE


def _kept(row: PrivateWord, own: dict[uuid.UUID, Wrap], keyring: vault.Keyring) -> Kept:
    try:
        about = row.unseal(keyring.self_key)
        wrap = own[row.item_id]
        text = wrap.item.unseal(key_from(wrap.unseal(keyring.self_key)["k"]))["text"]
    except vault.VaultError:
        raise Tampered from None
    at = about.get("at")
    return Kept(
        id=row.id,
        text=text,
        prompt=about.get("prompt", ""),
        kind=about.get("kind", "words"),
        bond=about.get("bond", ""),
        at=datetime.fromisoformat(at) if at else None,
    )


def word_delete(member_id: uuid.UUID, word_id: uuid.UUID) -> bool:
    """Delete one private text for good. Returns whether there was one."""
    row = PrivateWord.objects.filter(pk=word_id, member_id=member_id).select_related("item").first()
    if row is None:
        return False
    item = row.item
    row.delete()
    if item.bond_id is None:
        item.delete()
    return True
