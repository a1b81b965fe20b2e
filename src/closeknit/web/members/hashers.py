"""Django's Argon2 hasher at the vault's cost, with the passphrase normalised first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from closeknit.vault import passphrase as kdf

_SLOTS = threading.BoundedSemaphore(2)
WAIT_SECONDS = 3.0


class TooBusy(Exception):
    """Two derivations are under way and a third has waited for its turn too long."""


@contextmanager
def derivation_slot() -> Iterator[None]:
    """At most two derivations at once in a process: each takes 128 MiB. Raises TooBusy after three seconds."""
    if not _SLOTS.acquire(timeout=WAIT_SECONDS):
        raise TooBusy
    try:
        yield
    finally:
        _SLOTS.release()


class PassphraseHasher(Argon2PasswordHasher):
    """Says yes or no at sign-in; the keys come from a second derivation with a salt of their own."""

    algorithm = "argon2"
    parallelism = 1

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        return kdf.PROFILES[kdf.DEFAULT_PROFILE].passes

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        return kdf.PROFILES[kdf.DEFAULT_PROFILE].memory_bytes // 1024

    def encode(self, password: str, salt: str) -> str:
        with derivation_slot():
            return super().encode(kdf.normalise(password).decode(), salt)

    def verify(self, password: str, encoded: str) -> bool:
        with derivation_slot():
            return super().verify(kdf.normalise(password).decode(), encoded)
