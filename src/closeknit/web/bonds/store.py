"""Items and events: how every room writes and reads what belongs to a bond."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from closeknit import vault

from .models import Bond, Event, Item, StreamHead, Wrap
from .opened import OpenBond, Tampered, key_for


def key_text(key: vault.Key) -> str:
    """A key inside a sealed payload."""
    return base64.b64encode(key.raw).decode("ascii")


def key_from(text: str) -> vault.Key:
    """The reverse of `key_text`."""
    return vault.Key(base64.b64decode(text))


# -- events ---------------------------------------------------------------------------------------------------------


def events_append(opened: OpenBond, stream: uuid.UUID, payloads: Sequence[dict[str, Any]]) -> None:
    """Add verbs to a stream and move the writer's own head along. Call inside a transaction that holds the bond."""
    last = Event.objects.filter(stream=stream).order_by("-number").first()
    number = last.number if last else 0
    previous = vault.chain_hash(last.body) if last else b""
    for payload in payloads:
        number += 1
        event = Event(bond_id=opened.id, stream=stream, number=number)
        event.seal(opened.key, payload, epoch=opened.epoch, previous=previous)
        event.save(force_insert=True)
        previous = vault.chain_hash(event.body)
        last = event
    if last is not None:
        _head_move(opened, stream, last)


def _head_move(opened: OpenBond, stream: uuid.UUID, last: Event) -> None:
    head = StreamHead.objects.filter(member_id=opened.me.id, stream=stream).first()
    head = head or StreamHead(member_id=opened.me.id, bond_id=opened.id, stream=stream)
    head.seal(opened.keyring.self_key, {"n": last.number, "h": vault.chain_hash(last.body).hex()[:32]})
    head.save()


def events_read(opened: OpenBond, streams: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """The verbs of each stream, in order. Two queries, however many streams.

    Raises Tampered if one was dropped, cut, moved or reordered since this member last wrote to it.
    """
    wanted = list(streams)
    # Heads before events: a stream only grows. Were it the other way round, what this member writes from another page in
    # between would look as if its end had been cut off.
    heads = {head.stream: head for head in StreamHead.objects.filter(member_id=opened.me.id, stream__in=wanted)}
    rows: dict[uuid.UUID, list[Event]] = defaultdict(list)
    # By stream alone: asked for the bond as well, SQLite reads all events of the bond.
    for row in Event.objects.filter(stream__in=wanted).order_by("stream", "number"):
        if row.bond_id == opened.id:
            rows[row.stream].append(row)
    return {stream: _verbs(opened, rows[stream], heads.get(stream)) for stream in wanted}


def rows_in_pages(rows: Any, at: str, size: int) -> Iterator[list[Any]]:
    """All of a queryset that is ordered by `-at, -id`, `size` a query. A list that grows meanwhile does not shift it."""
    after = None
    while True:
        # One bound on the time for the index, one for where among equal times the last page ended.
        following = rows
        if after is not None:
            when = getattr(after, at)
            beyond = Q(**{f"{at}__lt": when}) | Q(**{at: when}, id__lt=after.id)
            following = rows.filter(beyond, **{f"{at}__lte": when})
        page = list(following[:size])
        yield page
        if len(page) < size:
            return
        after = page[-1]


def stream_let_go(opened: OpenBond, stream: uuid.UUID, payload: dict[str, Any]) -> dict[str, Any]:
    """Replace a stream by one last verb, its tombstone, and return it. Inside a transaction that holds the bond. The
    tombstone says how many events it stands for, so that nobody's head takes it for a cut; the writer's own head moves
    onto it, so that they notice if the old events are put back."""
    number = Event.objects.filter(stream=stream).count()
    Event.objects.filter(stream=stream).delete()
    stone = Event(bond_id=opened.id, stream=stream, number=number + 1)
    verb = {**payload, "gone": number}
    stone.seal(opened.key, verb, epoch=opened.epoch)
    stone.save(force_insert=True)
    _head_move(opened, stream, stone)
    return verb


def _tombstone(opened: OpenBond, row: Event, head: StreamHead | None) -> list[dict[str, Any]]:
    try:
        verb = row.unseal(key_for(opened.keys, row.body))
        known = head.unseal(opened.keyring.self_key) if head is not None else {"n": 0, "h": ""}
    except vault.VaultError:
        raise Tampered from None
    # Whoever let it go holds its hash; for the others it has to stand for as many events as they have written.
    mine = known["n"] == row.number and known["h"] != vault.chain_hash(row.body).hex()[:32]
    if verb.get("gone") != row.number - 1 or known["n"] > row.number or mine:
        raise Tampered
    return [verb]


def _verbs(opened: OpenBond, rows: list[Event], head: StreamHead | None) -> list[dict[str, Any]]:
    if len(rows) == 1 and rows[0].number > 1:
        return _tombstone(opened, rows[0], head)
    verbs, previous = [], b""
    marks = {}
    for index, row in enumerate(rows, start=1):
        if row.number != index:
            raise Tampered
        epoch = vault.parse(row.body).epoch
        if epoch in opened.keys:
            try:
                verbs.append(row.unseal(opened.keys[epoch], previous=previous))
            except vault.VaultError:
                raise Tampered from None
        previous = vault.chain_hash(row.body)
        marks[index] = previous
    if head is not None:
        known = head.unseal(opened.keyring.self_key)
        if known["n"] not in marks or marks[known["n"]].hex()[:32] != known["h"]:
            raise Tampered
    return verbs


# -- items ----------------------------------------------------------------------------------------------------------


def item_write(
    opened: OpenBond, stream: uuid.UUID, payload: dict[str, Any], *, shared: bool, mine: bool = True
) -> Item:
    """A new text of mine under a key of its own, wrapped for me and, if shared, for the bond.

    mine=False: typed where a device is passed round; it has no author, belongs to the bond, and nobody takes it along.
    """
    key = vault.Key.new()
    item = Item(author_id=opened.me.id if mine else None, bond_id=opened.id, stream=stream)
    item.seal(key, payload)
    item.save(force_insert=True)
    if mine:
        _wrap(Wrap(item=item, target=Wrap.Target.SELF), opened.keyring.self_key, key)
    if shared or not mine:
        _wrap(Wrap(item=item, target=Wrap.Target.BOND), opened.key, key, opened.epoch)
    return item


def _wrap(wrap: Wrap, under: vault.Key, key: vault.Key, epoch: int = 0) -> None:
    wrap.epoch = epoch
    wrap.seal(under, {"k": key_text(key)}, epoch=epoch)
    wrap.save()


def item_share(opened: OpenBond, item: Item) -> None:
    """Add the bond's wrap to an item of mine, or seal it anew: a row that was replaced would, after a restore, be
    removed again."""
    wraps = {wrap.target: wrap for wrap in item.wraps.all()}
    own = wraps[Wrap.Target.SELF]
    shared = wraps.get(Wrap.Target.BOND) or Wrap(target=Wrap.Target.BOND)
    own.item = shared.item = item
    key = key_from(own.unseal(opened.keyring.self_key)["k"])
    _wrap(shared, opened.key, key, opened.epoch)


def items_read(opened: OpenBond, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """The payloads of those items that this member can open; one query. Others' items only by their bond wrap."""
    found: dict[uuid.UUID, dict[str, Any]] = {}
    wanted = list(ids)
    if not wanted:
        return found
    for wrap in Wrap.objects.filter(item_id__in=wanted).select_related("item"):
        item = wrap.item
        if item.id in found:
            continue
        try:
            if wrap.target == Wrap.Target.SELF:
                if item.author_id != opened.me.id:
                    continue
                key = key_from(wrap.unseal(opened.keyring.self_key)["k"])
            else:
                if item.bond_id != opened.id or wrap.epoch not in opened.keys:
                    continue
                key = key_from(wrap.unseal(opened.keys[wrap.epoch])["k"])
            found[item.id] = item.unseal(key)
        except vault.VaultError:
            raise Tampered from None
    return found


# -- writing --------------------------------------------------------------------------------------------------------


def hold(opened: OpenBond) -> Bond:
    """Lock the bond's row until the transaction ends and check that this request's keys are still the right ones.

    Raises Stale if the epoch moved on while the request was under way; the caller's page asks to try again.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("hold() needs a transaction")
    bond = Bond.objects.select_for_update().get(pk=opened.id)
    if bond.epoch != opened.epoch or bond.stale:
        raise Stale
    return bond


class NotThere(Exception):
    """No such thing for this member: absent and not-yours are the same."""


class Stale(Exception):
    """The bond's key changed between reading and writing. Nothing was written; doing it again works."""
