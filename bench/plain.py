"""The same model without the vault: what bench/store.py measures sealing against. Never part of the product.

`without_vault()` lets sealed columns take plain JSON, filled up with spaces to the very size that its envelope would have.
Models, rows, queries, transactions, triggers and services stay the real ones; keys, nonces, associated data, the chain of
hashes and every call of libsodium are gone. `count_calls()` says how many of those a stretch of work made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import nacl.bindings

from closeknit import vault
from closeknit.vault.envelope import OVERHEAD_BYTES, padme
from closeknit.web.sealed.models import SealedRow

#: The payload's version byte and its length, which a plain text does not have.
_INSIDE = 5
_CALLS = (
    "crypto_aead_xchacha20poly1305_ietf_encrypt",
    "crypto_aead_xchacha20poly1305_ietf_decrypt",
    "crypto_generichash_blake2b_salt_personal",
    "randombytes",
    "sodium_memcmp",
)


@cache
def _front(epoch: int) -> bytes:
    """As many bytes as an envelope has around its ciphertext, with the epoch where it is looked for."""
    return (bytes(3) + epoch.to_bytes(4, "big")).ljust(OVERHEAD_BYTES, b"\0")


def _seal(row: SealedRow, _key: Any, payload: dict[str, Any], *, epoch: int = 0, previous: bytes = b"") -> None:
    if not row._state.adding:
        row.revision += 1
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    size = len(text) + _INSIDE
    room = row.PADDING.value if size <= row.PADDING.value else padme(size)
    row.body = vault.Envelope(_front(epoch) + text.ljust(room))


def _unseal(row: SealedRow, _key: Any, *, previous: bytes = b"") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.body[OVERHEAD_BYTES:])
    return found


def without_vault() -> None:
    """From here on this process keeps words in plain sight."""
    key, mark = vault.Key(bytes(32)), bytes(32)
    SealedRow.seal, SealedRow.unseal = _seal, _unseal
    vault.parse = lambda raw: raw
    vault.chain_hash = lambda _envelope: mark
    vault.Key.new = classmethod(lambda _cls, *_: key)


@contextmanager
def count_calls() -> Iterator[dict[str, int]]:
    """How often libsodium was called meanwhile."""
    counts = dict.fromkeys(_CALLS, 0)
    real = {name: getattr(nacl.bindings, name) for name in _CALLS}

    def counting(name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return real[name](*args, **kwargs)

        return call

    for name in _CALLS:
        setattr(nacl.bindings, name, counting(name))
    try:
        yield counts
    finally:
        for name, function in real.items():
            setattr(nacl.bindings, name, function)
